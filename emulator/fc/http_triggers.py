"""HTTP triggers: turn a request into an event, and the function's result into the caller's answer."""

import base64
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import Response

from emulator.fc.service import FcError, Invocation

LARGEST_HEADERS = 8 * 1024
LARGEST_TARGET = 4 * 1024
_HIDDEN = ("connection", "keep-alive", "transfer-encoding")
"""Headers that a function does not see."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_RESERVED = ("connection", "content-length", "date", "keep-alive", "server", "upgrade", "transfer-encoding")
"""Headers that a function may not set."""
_JSON = ("content-type", "application/json")

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class HttpRequest:
    """A request as a function may see it; `path` is the trigger's own, still encoded, `target` the whole address."""

    method: str
    path: str
    query: str
    target: str
    headers: Headers
    body: bytes
    client: str

    def event(self, account: str, domain: str, request_id: str, region: str) -> bytes:
        """Write the FC 3.0 event, version v1 ("Use HTTP triggers to invoke functions")."""
        try:
            body, encoded = self.body.decode(), False
        except UnicodeDecodeError:
            body, encoded = base64.b64encode(self.body).decode(), True
        now = time.time()
        agent = next((value for name, value in self.headers if name.lower() == "user-agent"), "")
        http = {
            "method": self.method, "path": unquote(self.path), "protocol": "HTTP/1.1", "sourceIp": self.client,
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
            "rawPath": self.path,
            "body": body,
            "isBase64Encoded": encoded,
            "headers": _join((name.title(), value) for name, value in self.headers),
            "queryParameters": _join(parse_qsl(self.query, keep_blank_values=True)),
            "requestContext": context,
        }
        return json.dumps(content).encode()

    def wsgi_parts(self) -> dict[str, object]:
        """Return what the FC 2.0 runtime builds a WSGI environment from."""
        return {
            "method": self.method, "path": unquote(self.path), "query": self.query, "headers": self.headers,
            "client": self.client, "uri": self.target,
        }  # fmt: skip


def read_request(request: Request, body: bytes, segments: int) -> HttpRequest:
    """Read a request, whose trigger's own path begins after so many segments. Raises: FcError: it is too large."""
    raw, query = request.scope["raw_path"].decode("ascii"), request.url.query
    parts = raw.split("/", segments + 1)
    path = "/" + parts[segments + 1] if len(parts) > segments + 1 else "/"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    if (
        sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS
        or len(path) + len(query) > LARGEST_TARGET
    ):
        raise FcError(400, "InvalidArgument", "headers are larger than 8 KB, or the target than 4 KB")
    visible = [(name, value) for name, value in headers if name not in _HIDDEN and not name.startswith("x-fc-")]
    client = request.client.host if request.client else "127.0.0.1"
    return HttpRequest(request.method, path, query, f"{raw}?{query}" if query else raw, visible, body, client)


def _join(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join the values of equal names by commas."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def build_answer(result: Invocation, headers: Mapping[str, str], *, wsgi: bool = False) -> Response:
    """Return the caller's answer to a function's result; `headers` are the platform's.

    The status for an error, and for a result that names no status, is not documented for certain: 502, and 200.
    Raises: FcError: the answer cannot be sent.
    """
    status, own, body = (result.status, result.headers, result.body) if wsgi else _read_result(result.body)
    if result.error_type:
        status, own, body = 502, [_JSON], result.body
    _check(status, own)
    response = Response(b"" if status in (204, 304) else body, status)
    for name, value in own:
        if name.lower() not in _RESERVED and not name.lower().startswith("x-fc-"):
            response.headers.append(name, value)
    response.headers.update(headers)
    return response


def _read_result(body: bytes) -> tuple[int, Headers, bytes]:
    """Read status, headers and body from the result of an FC 3.0 event function; one without a status is the body itself."""
    try:
        result = json.loads(body)
        status, content = int(result["statusCode"]), result.get("body")
        headers = [(str(name), str(value)) for name, value in dict(result.get("headers") or {}).items()]
    except (ValueError, KeyError, TypeError):
        return 200, [_JSON], body
    text = "" if content is None else content if isinstance(content, str) else json.dumps(content)
    try:
        return (
            status,
            headers,
            base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode(),
        )
    except ValueError:
        raise FcError(502, "BadResponse", "the function's body is no base64, though it says so") from None


def _check(status: int, headers: Headers) -> None:
    """Raises: FcError: this is no answer in HTTP."""
    if not 200 <= status <= 599:
        raise FcError(502, "BadResponse", f"the function answered with status {status}")
    if sum(len(name) + len(value) for name, value in headers) > LARGEST_HEADERS:
        raise FcError(502, "BadResponse", "the headers of the function's answer are larger than 8 KB")
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise FcError(502, "BadResponse", f"the function set a header that cannot be sent: {name[:100]!r}")
