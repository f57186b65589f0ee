"""Proxies as company networks and desktops export them, with nobody behind."""

DEAD_PROXIES = {
    name: f"{scheme}://127.0.0.1:9"
    for lower, scheme in (("http_proxy", "http"), ("https_proxy", "http"), ("all_proxy", "socks5"))
    for name in (lower, lower.upper())
}
"""Nobody listens there: whatever would go through a proxy to the local cloud fails."""
