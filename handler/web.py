"""Answers HTTP requests, from FC 3.0 events and FC 2.0 WSGI alike."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

from handler.answers import HttpAnswer, JsonAnswer, Refusal, answer_many, answer_result, json_answer, problem
from handler.batch import join
from handler.envelopes import usable_id
from handler.messages import Invalid, ModuleRequest
from handler.outcomes import Outcome, Result
from handler.problems import show_value
from handler.smq import Message
from handler.texts import Flaw, parse
from handler.triggers import Delivery

__all__ = ["HttpAnswer", "HttpRequest", "Service", "from_environ", "from_event", "respond", "to_event"]

LARGEST_BODY = 1024 * 1024
LARGEST_EVENT = 6 * LARGEST_BODY + 64 * 1024
"""Bytes of an event with a body of that size: each byte is `\\u0000` at worst, and headers are short."""
MOST_QUEUED_TOGETHER = 16
"""Requests in one message of the queue: with every field at its longest they fit into SMQ's 64 KiB."""
OPENAPI = Path(__file__).with_name("openapi.json")
"""Made by `make contracts` and sent as it is: in ASCII, since not everything passes on the characters in its patterns."""
_TAKEN = "application/json, application/cloudevents+json, application/cloudevents-batch+json"
_APPLIED = {"Preference-Applied": "respond-async"}
_LATER = {"Retry-After": "5"}


class HttpRequest(NamedTuple):
    """A request; header names are in lower case, the path is decoded."""

    method: str
    path: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    request_id: str = ""


Enqueue = Callable[[Sequence[Message]], Sequence[Message]]


class Service(NamedTuple):
    """The operations that answers need.

    `run` returns one result for each request of a body, in order; `enqueue` returns the messages that the queue did not take,
    and is None without a queue; `fault` logs an internal error.
    """

    run: Callable[[Delivery], Sequence[Result]]
    enqueue: Enqueue | None
    fault: Callable[[Exception], None]
    prefix: str = ""
    """An optional prefix of every path."""


Respond = Callable[[HttpRequest, Service], HttpAnswer]


def from_event(event: bytes) -> HttpRequest | None:
    """Read the request in an event of an FC 3.0 HTTP trigger; None for any other event."""
    if len(event) > LARGEST_EVENT:  # parsing it would take more memory than the smallest instance has
        return HttpRequest("POST", "/modules", body=event)
    try:
        fields = _mapping(json.loads(event))
    except (ValueError, RecursionError):
        return None
    context = _mapping(fields.get("requestContext"))
    http = _mapping(context.get("http"))
    if not http:
        return None
    return HttpRequest(
        str(http.get("method") or "GET").upper(),
        str(http.get("path") or unquote(str(fields.get("rawPath") or "/"))),
        _headers(_mapping(fields.get("headers")).items()),
        _event_body(fields.get("body"), is_base64=fields.get("isBase64Encoded") in (True, "true")),
        str(context.get("requestId") or ""),
    )


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _event_body(body: object, *, is_base64: bool) -> bytes:
    text = body if isinstance(body, str) else ""
    try:
        return base64.b64decode(text, validate=True) if is_base64 else text.encode("utf-8", "surrogatepass")
    except ValueError:
        return b"\xff"  # no UTF-8, so that it is answered as unreadable


def _headers(pairs: Iterable[tuple[object, object]]) -> Mapping[str, str]:
    """Join repeated headers, given as a list or with names in different case, and unfold values of several lines."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        known, plain = headers.get(str(name).lower()), re.sub(r"\s*[\r\n]\s*", " ", text).strip()
        headers[str(name).lower()] = plain if known is None else f"{known}, {plain}"
    return headers


def _single(value: str) -> str:
    """Reduce a header that was repeated with the same value to that value."""
    values = {each.strip() for each in value.split(",")}
    return values.pop() if len(values) == 1 else value


def to_event(answer: HttpAnswer) -> dict[str, object]:
    """Write an answer as an FC 3.0 HTTP trigger takes it."""
    return {
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "isBase64Encoded": False,
        "body": answer.body.decode(),
    }


def from_environ(environ: Mapping[str, Any]) -> HttpRequest:
    """Read the request of an FC 2.0 HTTP trigger (WSGI), and of a body that is too large one byte over the limit."""
    pairs = [(n[5:].replace("_", "-"), v) for n, v in environ.items() if n.startswith("HTTP_")]
    media = {"content-type": str(environ["CONTENT_TYPE"])} if environ.get("CONTENT_TYPE") else {}
    length = str(environ.get("CONTENT_LENGTH") or "")
    size = int(length[:12]) if length.isascii() and length.isdigit() else 0
    stream = environ.get("wsgi.input")
    return HttpRequest(
        str(environ.get("REQUEST_METHOD") or "GET").upper(),
        str(environ.get("PATH_INFO") or "/"),
        {**_headers(pairs), **media},
        stream.read(min(size, LARGEST_BODY + 1)) if stream is not None and size else b"",
    )


def respond(request: HttpRequest, service: Service) -> HttpAnswer:
    """Answer a request; every error becomes an answer too."""
    try:
        answer = _answer(request, service)
    except Refusal as refusal:
        answer = refusal.problem.answer()
    except Exception as error:  # noqa: BLE001 - the caller gets an answer, the log the rest
        service.fault(error)
        answer = problem("fault").answer()
    return answer._replace(body=b"") if request.method == "HEAD" else answer


def _answer(request: HttpRequest, service: Service) -> HttpAnswer:
    path = _path(request.path, service.prefix)
    if path not in ROUTES:
        raise Refusal("not-found", f"there is nothing at {show_value(path)}")
    methods = ", ".join((*ROUTES[path], "OPTIONS"))
    if request.method == "OPTIONS":
        return HttpAnswer(204, {"Allow": methods}, b"")
    if request.method not in ROUTES[path]:
        raise Refusal("method", f"{path} takes {methods}", Allow=methods)
    return ROUTES[path][request.method](request, service)


def _path(path: str, prefix: str) -> str:
    """Take the prefix, doubled slashes, and a slash at its end from a path."""
    plain = "/" + "/".join(filter(None, path.split("/")))
    return plain.removeprefix(prefix) if prefix and f"{plain}/".startswith(f"{prefix}/") else plain


def _create_modules(request: HttpRequest, service: Service) -> HttpAnswer:
    _check_body(request)
    default_id = usable_id(request.request_id) or hashlib.sha256(request.body).hexdigest()[:32]
    trace = _single(request.headers.get("traceparent", ""))
    delivery = Delivery(default_id, _value(request), "http", trace, is_named=False)
    contents = delivery.open()
    requests = contents.requests()
    first = requests[0] if requests else None
    if isinstance(first, Invalid) and not first.readable and not contents.several:
        # There is no request: the caller gets the error here, and no outcome is published.
        raise Refusal("unreadable", f"the body {first.problems[0].Problem}".replace("the body the ", "the "))
    if first and service.enqueue is not None and _is_async(request.headers):
        return _queue(requests, service.enqueue, several=contents.several)
    results = [answer_result(result) for result in service.run(delivery)]
    if not results:
        return HttpAnswer(204, {}, b"")
    return answer_many(results) if contents.several else results[0].answer()


def _value(request: HttpRequest) -> object:
    """Read the body's JSON value; if headers hold an event's attributes (CloudEvents, binary mode), wrap it in the event."""
    if "ce-specversion" in request.headers and not request.body:
        return {"specversion": "1.0"}
    value = parse(request.body)
    if isinstance(value, Flaw):
        raise Refusal("unreadable", f"the body {value}")
    if not isinstance(value, dict | list):
        raise Refusal("unreadable", "the body is neither a JSON object nor an array")
    attributes = {name: unquote(_single(request.headers.get(f"ce-{name}", ""))) for name in ("id", "traceparent")}
    return {"specversion": "1.0", **attributes, "data": value} if any(attributes.values()) else value


def _check_body(request: HttpRequest) -> None:
    if len(request.body) > LARGEST_BODY:
        raise Refusal("too-large", f"a body has at most {LARGEST_BODY} bytes")
    media, _, parameters = _single(request.headers.get("content-type", "")).partition(";")
    kind = media.strip().lower()
    if not re.fullmatch(r"|application/([!#$&^_.a-z0-9-]+\+)?json", kind):  # test events of the console have no headers
        raise Refusal("media-type", f"send {_TAKEN} (it is {show_value(kind)})", **{"Accept-Post": _TAKEN})
    named = (part.partition("=") for part in parameters.lower().split(";"))
    charset = next((value.strip(' "') for name, _, value in named if name.strip() == "charset"), "")
    if charset not in ("", "utf-8", "utf8"):
        raise Refusal("media-type", f"send UTF-8 (it is {show_value(charset)})")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise Refusal("media-type", f"send it as it is, not {show_value(coding)}", **{"Accept-Encoding": "identity"})


def _is_async(headers: Mapping[str, str]) -> bool:
    """Tell whether nobody waits for the result: the caller says so, or the platform has answered already."""
    preferences = [part.partition(";")[0].strip().lower() for part in headers.get("prefer", "").split(",")]
    return "respond-async" in preferences or headers.get("x-fc-invocation-type", "").lower() == "async"


def _queue(requests: Sequence[ModuleRequest | Invalid], enqueue: Enqueue, *, several: bool) -> HttpAnswer:
    """Queue all requests, each with its Id, or none if one of them is invalid."""
    invalid = [answer_result(Outcome.invalid(each)) for each in requests if isinstance(each, Invalid)]
    if invalid and not several:
        return invalid[0].answer()
    if invalid:
        return problem("invalid", "nothing was queued", {"results": [part.body for part in invalid]}).answer()
    queued = _enqueue([each for each in requests if isinstance(each, ModuleRequest)], enqueue)
    names = [each.Id for each in requests]
    if not queued:
        return problem("sink", headers=_LATER).answer()
    if queued == len(names):
        return JsonAnswer(202, {"Ids": names}, _APPLIED).answer()
    accepted = [JsonAnswer(202, {"Id": name}) for name in names[:queued]]
    return answer_many([*accepted, *(problem("sink", "", {"Id": name}, _LATER) for name in names[queued:])], _APPLIED)


def _enqueue(requests: Sequence[ModuleRequest], enqueue: Enqueue) -> int:
    """Send requests to the queue; return how many of them it took."""
    for start in range(0, len(requests), MOST_QUEUED_TOGETHER):
        texts = [each.to_json() for each in requests[start : start + MOST_QUEUED_TOGETHER]]
        if enqueue([Message(texts[0] if len(texts) == 1 else join(texts))]):
            return start
    return len(requests)


def _get(body: Callable[[], bytes]) -> Mapping[str, Respond]:
    def respond(_request: HttpRequest, _service: Service) -> HttpAnswer:
        return json_answer(body())

    return {"GET": respond, "HEAD": respond}


ROUTES: Mapping[str, Mapping[str, Respond]] = {
    "/modules": {"POST": _create_modules},
    "/openapi.json": _get(OPENAPI.read_bytes),
    "/healthz": _get(lambda: b'{"status":"ok"}'),
}
"""Handlers by path and method, besides OPTIONS."""
