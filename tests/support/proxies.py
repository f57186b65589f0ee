"""Proxies as company networks and desktops export them, with nobody behind."""

DEAD_PROXIES = {
    name: url
    for lower, url in (
        ("http_proxy", "http://127.0.0.1:9"),
        ("https_proxy", "http://127.0.0.1:9"),
        ("all_proxy", "socks5://127.0.0.1:9"),
    )
    for name in (lower, lower.upper())
}
"""Nobody listens there: whatever would go through a proxy to the local cloud fails."""
