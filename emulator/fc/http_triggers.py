"""HTTP triggers: turn a request into an event, and the function's result into the caller's answer."""

import base64
import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

from emulator.fc.service import FcError, Invocation

LARGEST_HEADERS = 8 * 1024
LARGEST_TARGET = 4 * 1024
_HIDDEN = ("connection", "keep-alive", "transfer-encoding")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_BODILESS = (204, 304)
_RESERVED = ("connection", "content-length", "date", "keep-alive", "server", "upgrade", "transfer-encoding")


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came in; `path` is still encoded."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    client: str

    def too_large(self) -> bool:
        """Whether headers or target are beyond what the platform takes."""
        size = sum(len(name) + len(value) for name, value in self.headers)
        return size > LARGEST_HEADERS or len(self.path) + len(self.query) > LARGEST_TARGET

    def visible(self) -> list[tuple[str, str]]:
        """The headers that a function gets to see."""
        return [(n, v) for n, v in self.headers if n.lower() not in _HIDDEN and not n.lower().startswith("x-fc-")]


@dataclass(frozen=True)
class HttpAnswer:
    """The answer to the caller."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def event(request: HttpRequest, account: str, domain: str, request_id: str, region: str = "local") -> bytes:
    """The FC 3.0 event, version v1 ("Use HTTP triggers to invoke functions")."""
    try:
        body, encoded = request.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(request.body).decode(), True
    now = time.time()
    agent = next((value for name, value in request.headers if name.lower() == "user-agent"), "")
    http = {
        "method": request.method, "path": unquote(request.path), "protocol": "HTTP/1.1", "sourceIp": request.client,
        "userAgent": agent,
    }  # fmt: skip
    address = f"{domain}.{region}.fcapp.run"
    context = {
        "accountId": account, "domainName": address, "domainPrefix": domain, "http": http,
        "triggerId": str(uuid.uuid5(uuid.NAMESPACE_DNS, address)), "requestId": request_id,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)), "timeEpoch": str(int(now * 1000)),
    }  # fmt: skip
    content = {
        "version": "v1",
        "rawPath": request.path,
        "body": body,
        "isBase64Encoded": encoded,
        "headers": join(request.visible(), title=True),
        "queryParameters": join(parse_qsl(request.query, keep_blank_values=True)),
        "requestContext": context,
    }
    return json.dumps(content).encode()


def join(pairs: Sequence[tuple[str, str]], *, title: bool = False) -> dict[str, str]:
    """Join repeated values by commas; header names as the platform writes them."""
    joint: dict[str, str] = {}
    for name, value in pairs:
        key = name.title() if title else name
        joint[key] = f"{joint[key]},{value}" if key in joint else value
    return joint


def wsgi_parts(request: HttpRequest, uri: str) -> dict[str, object]:
    """What the FC 2.0 runtime makes a WSGI environment of."""
    return {
        "method": request.method,
        "path": unquote(request.path),
        "query": request.query,
        "headers": [list(pair) for pair in request.visible()],
        "client": request.client,
        "uri": uri,
    }


def answer_of(invocation: Invocation) -> HttpAnswer:
    """The caller's answer to an FC 3.0 event function's result: its status, headers and body, or all of it as the body.

    What becomes of an error, and of a result that names no status, is not documented for certain: 502, and 200.
    Raises: FcError: the answer cannot be sent.
    """
    if invocation.error_type:
        return HttpAnswer(502, [("content-type", "application/json")], invocation.body)
    try:
        result = json.loads(invocation.body)
        status, body = int(result["statusCode"]), result.get("body")
        headers = [(str(name), str(value)) for name, value in dict(result.get("headers") or {}).items()]
    except (ValueError, KeyError, TypeError):
        return HttpAnswer(200, [("content-type", "application/json")], invocation.body)
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    try:
        content = base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode()
    except ValueError:
        raise FcError(502, "BadResponse", "the function's body is no base64, though it says so") from None
    return sendable(HttpAnswer(status, headers, content))


def wsgi_answer_of(invocation: Invocation) -> HttpAnswer:
    """The caller's answer to a WSGI function's result. Raises: FcError: the answer cannot be sent."""
    if invocation.error_type:
        return HttpAnswer(502, [("content-type", "application/json")], invocation.body)
    return sendable(HttpAnswer(invocation.status, invocation.headers, invocation.body))


def sendable(answer: HttpAnswer) -> HttpAnswer:
    """The answer, if it is one in HTTP. Raises: FcError."""
    if not 200 <= answer.status <= 599:
        raise FcError(502, "BadResponse", f"the function answered with status {answer.status}")
    if sum(len(name) + len(value) for name, value in answer.headers) > LARGEST_HEADERS:
        raise FcError(502, "BadResponse", "the headers of the function's answer are larger than 8 KB")
    for name, value in answer.headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise FcError(502, "BadResponse", f"the function set a header that cannot be sent: {name[:100]!r}")
    return replace(answer, body=b"") if answer.status in _BODILESS else answer


def allowed_headers(answer: HttpAnswer) -> list[tuple[str, str]]:
    """Return the headers that a function may set."""
    return [(n, v) for n, v in answer.headers if n.lower() not in _RESERVED and not n.lower().startswith("x-fc-")]
