"""HTTP requests and answers: the FC 3.0 events and FC 2.0 WSGI, by one implementation.

Errors are problems (RFC 9457). An answer never holds a stack trace, a secret, or a header that is the platform's.
"""

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from handler.errors import SinkError
from handler.messages import Invalid, ModuleRequest, read
from handler.outcomes import Outcome, Reason, Result, Unfinished, Why

LARGEST_BODY = 1024 * 1024
PATHS: Mapping[str, tuple[str, ...]] = {
    "/modules": ("POST", "OPTIONS"),
    "/openapi.json": ("GET", "HEAD", "OPTIONS"),
    "/healthz": ("GET", "HEAD", "OPTIONS"),
}

_DONE = {"created": 201, "existing": 200, "updated": 200, "failed": 502}
_REJECTED: Mapping[Why, int] = {
    "unreadable": 400, "invalid": 422, "product-unknown": 404, "exists": 409, "limit": 409, "refused": 422,
}  # fmt: skip
_UNFINISHED: Mapping[Reason, int] = {
    "quota": 503, "deadline": 503, "sink": 503, "unanswered": 504, "upstream": 502, "misconfigured": 502, "fault": 500,
}  # fmt: skip
_WORDS = {
    "unreadable": "the body holds no request",
    "invalid": "the request breaks rules",
    "product-unknown": "no such product",
    "exists": "the module exists",
    "limit": "the product has ten modules",
    "refused": "the API refused the request",
    "quota": "the quota does not allow the call now",
    "deadline": "there was no time left for the request",
    "sink": "the outcome could not be published",
    "unanswered": "the API did not answer: the module may have been created",
    "upstream": "the API did not answer properly",
    "misconfigured": "the function may not use the API as it is deployed",
    "fault": "the function failed",
    "failed": "given up",
}


@dataclass(frozen=True)
class HttpRequest:
    """A request; header names are in lower case, the path is decoded."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: bytes = b""
    request_id: str = ""


@dataclass(frozen=True)
class HttpAnswer:
    """An answer, its body whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Service:
    """What answers are made of. `run` gives one result for each request of a body; `enqueue` is None without a queue."""

    run: Callable[[bytes, str, str | None], list[Result]]
    enqueue: Callable[[str], None] | None
    fault: Callable[[Exception], None]


class _Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:  # noqa: ANN401 - members of the problem
        super().__init__(detail)
        self.status = status
        self.members = {"detail": detail, **more}
        self.headers: dict[str, str] = {}

    def with_header(self, name: str, value: str) -> "_Problem":
        self.headers[name] = value
        return self


def from_event(event: object) -> HttpRequest | None:
    """The request in an event of an FC 3.0 HTTP trigger; None for any other event."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    http = context.get("http") if isinstance(context, dict) else None
    if not isinstance(event, dict) or not isinstance(context, dict) or not isinstance(http, dict):
        return None
    headers = event.get("headers")
    path = http.get("path") or unquote(str(event.get("rawPath") or "/"))
    return HttpRequest(
        str(http.get("method") or "GET").upper(),
        str(path),
        {str(n).lower(): str(v) for n, v in headers.items()} if isinstance(headers, dict) else {},
        "",
        _event_body(event),
        str(context.get("requestId") or ""),
    )


def _event_body(event: Mapping[str, object]) -> bytes:
    body = event.get("body")
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    if event.get("isBase64Encoded") in (True, "true"):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return b"\xff"  # no UTF-8, so that it is answered as unreadable
    return text.encode("utf-8", "surrogatepass")


def to_event(answer: HttpAnswer) -> dict[str, object]:
    """An answer as an FC 3.0 HTTP trigger takes it."""
    return {
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "isBase64Encoded": False,
        "body": answer.body.decode(),
    }


def from_environ(environ: Mapping[str, Any]) -> HttpRequest:
    """The request of an FC 2.0 HTTP trigger; of a body that is too large, no more is read than shows it."""
    headers = {n[5:].replace("_", "-").lower(): str(v) for n, v in environ.items() if n.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = str(environ["CONTENT_TYPE"])
    stream = environ.get("wsgi.input")
    return HttpRequest(
        str(environ.get("REQUEST_METHOD") or "GET").upper(),
        str(environ.get("PATH_INFO") or "/"),
        headers,
        str(environ.get("QUERY_STRING") or ""),
        stream.read(LARGEST_BODY + 1) if stream is not None else b"",
        str(getattr(environ.get("fc.context"), "request_id", "") or ""),
    )


def respond(request: HttpRequest, service: Service) -> HttpAnswer:
    """The answer to a request; whatever goes wrong is an answer too."""
    try:
        answer = _routed(request, service)
    except _Problem as problem:
        answer = _problem_answer(problem)
    except Exception as error:  # noqa: BLE001 - the caller gets an answer, the log the rest
        service.fault(error)
        answer = _problem_answer(_Problem(500, _WORDS["fault"]))
    return HttpAnswer(answer.status, answer.headers, b"") if request.method == "HEAD" else answer


def _routed(request: HttpRequest, service: Service) -> HttpAnswer:
    path = request.path.rstrip("/") or "/"
    methods = PATHS.get(path)
    if methods is None:
        raise _Problem(404, f"there is nothing at {path[:100]}")
    if request.method not in methods:
        raise _Problem(405, f"{path} takes {', '.join(methods)}").with_header("Allow", ", ".join(methods))
    if request.method == "OPTIONS":
        return HttpAnswer(204, {"Allow": ", ".join(methods)}, b"")
    if path == "/healthz":
        return _json(200, {"status": "ok"})
    if path == "/openapi.json":
        from handler.openapi import document

        return _json(200, document())
    return _modules(request, service)


def _modules(request: HttpRequest, service: Service) -> HttpAnswer:
    _check_body(request)
    trace = request.headers.get("traceparent")
    requests = read(request.body, request.request_id or "http", trace)
    if isinstance(requests[0], Invalid) and not requests[0].readable and not _is_array(request.body):
        # Nobody asked for anything: the sender is told here, and no outcome is owed.
        return _alone(_told(Outcome.invalid(requests[0])))
    if service.enqueue is not None and _wants_async(request.headers.get("prefer", "")):
        return _queued(requests, service.enqueue)
    results = service.run(request.body, request.request_id or "http", trace)
    if _is_array(request.body):
        told = [_told(result) for result in results]
        return _json(207, {"results": [{"status": status, **body} for status, body, _ in told]}, **_waits(told))
    return _alone(_told(results[0]))


def _alone(told: "Told") -> HttpAnswer:
    status, body, headers = told
    return _json(status, body, **headers)


def _check_body(request: HttpRequest) -> None:
    length = request.headers.get("content-length", "")
    if len(request.body) > LARGEST_BODY or (length.isascii() and length.isdigit() and int(length[:15]) > LARGEST_BODY):
        raise _Problem(413, f"a body has at most {LARGEST_BODY} bytes")
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = media.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if not (kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))):
        raise _Problem(415, f"send application/json (it is {kind[:100] or 'not said'})").with_header(
            "Accept-Post", "application/json"
        )
    if charset not in ("", "utf-8", "utf8"):
        raise _Problem(415, "send UTF-8")
    if not request.body.strip():
        raise _Problem(400, "the body is empty")


def _is_array(body: bytes) -> bool:
    """Whether a body is a JSON array with something in it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and bool(value)


def _wants_async(prefer: str) -> bool:
    preferences = (part.partition(";")[0].strip().lower() for part in prefer.split(","))
    return "respond-async" in preferences


def _queued(requests: Sequence[ModuleRequest | Invalid], enqueue: Callable[[str], None]) -> HttpAnswer:
    """Queue what is valid, each request with its Id, so that the sender knows what to look for."""
    invalid = [each for each in requests if isinstance(each, Invalid)]
    if invalid and len(requests) == 1:
        return _alone(_told(Outcome.invalid(invalid[0])))
    if invalid:
        errors = [{"Id": each.Id, **_errors(each.problems)} for each in invalid]
        raise _Problem(422, "nothing was queued: some requests break rules", results=errors)
    valid = [each for each in requests if isinstance(each, ModuleRequest)]
    try:
        for each in valid:
            enqueue(each.model_dump_json(exclude_none=True, exclude_defaults=True))
    except SinkError:
        raise _Problem(503, "the request could not be queued").with_header("Retry-After", "5") from None
    return _json(202, {"Ids": [each.Id for each in valid]}, **{"Preference-Applied": "respond-async"})


Told = tuple[int, dict[str, object], dict[str, str]]


def _told(result: Result) -> Told:
    """Status, body and headers for one result."""
    if isinstance(result, Unfinished):
        return _unfinished(result)
    status = _REJECTED[result.why or "refused"] if result.Status == "rejected" else _DONE[result.Status]
    data = {"Id": result.Id, **result.data()}
    if status < 300:
        return status, data, {}
    kind = str(result.why or result.Status)
    problem = _Problem(status, result.ErrorMessage or _WORDS[kind], **_errors(result.Errors), **data)
    return status, _members(problem), {"Content-Type": "application/problem+json"}


def _unfinished(result: Unfinished) -> Told:
    status = _UNFINISHED[result.reason]
    request = result.request
    named = {"Id": request.Id, "ProductKey": request.ProductKey, "ModuleName": request.ModuleName}
    code = {"Code": result.code} if result.code else {}
    problem = _Problem(status, _WORDS[result.reason], **{name: value for name, value in named.items() if value}, **code)
    headers = {"Content-Type": "application/problem+json"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(max(1, math.ceil(result.retry_after)))
    return status, _members(problem), headers


def _errors(problems: Sequence[object] | None) -> dict[str, object]:
    return {"errors": [problem.model_dump() for problem in problems]} if problems else {}  # type: ignore[attr-defined]


def _waits(told: Sequence[Told]) -> dict[str, str]:
    """The longest of the waits that the parts of an answer name."""
    waits = [int(headers["Retry-After"]) for _, _, headers in told if "Retry-After" in headers]
    return {"Retry-After": str(max(waits))} if waits else {}


def _members(problem: _Problem) -> dict[str, object]:
    title = HTTPStatus(problem.status).phrase
    return {"type": "about:blank", "title": title, "status": problem.status, **problem.members}


def _problem_answer(problem: _Problem) -> HttpAnswer:
    headers = {"Content-Type": "application/problem+json", **problem.headers}
    return _json(problem.status, _members(problem), **headers)


def _json(status: int, body: Mapping[str, object], **headers: str) -> HttpAnswer:
    told = {"Content-Type": "application/json", "Cache-Control": "no-store", **headers}
    return HttpAnswer(status, told, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
