"""Lets only browsers of this machine use the page, on pages of this server.

A name that an attacker resolves to 127.0.0.1 makes a browser treat this server as the attacker's own ("DNS rebinding"):
the Host header shows it. A page of another site can send a request here, though it cannot read the answer: Origin and
Sec-Fetch-Site show it. Callers other than browsers send neither.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost", "::1")
_READING = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Wraps an ASGI app: refuses requests from elsewhere, and restricts by headers what a browser does with an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        problem = find_refusal(scope["method"], Headers(scope=scope))
        app = JSONResponse({"detail": problem}, 403) if problem else self._app
        await app(scope, receive, guarded)


def find_refusal(method: str, headers: Headers) -> str | None:
    """Return why a request is refused: it is not for this server, or comes from another site's page; None if it is not."""
    host = headers.get("host", "")
    if _host(host) not in HOSTS:
        return "this server answers to 127.0.0.1 and localhost only"
    if method in _READING:
        return None
    origin = headers.get("origin")
    foreign = origin is not None and origin != f"http://{host}"
    if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return "request from another site's page"
    return None


def _host(value: str) -> str:
    try:
        return urlsplit(f"//{value}").hostname or ""
    except ValueError:
        return ""
