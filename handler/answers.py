"""Builds HTTP answers: a status, a body, and for every error a problem (RFC 9457)."""

import json
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from handler.log import mask
from handler.outcomes import LONGEST_SHORT_TEXT, Outcome, Result, Unfinished

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
LONGEST_DETAIL = 500


class HttpAnswer(NamedTuple):
    """An HTTP answer with its complete body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Kind(NamedTuple):
    """A kind of problem: `name` ends its type, `urn:ota-modules:problem:<name>`."""

    name: str
    status: int
    title: str
    shows_detail: bool = True
    """False: the detail is for the operators' log only."""

    @property
    def type(self) -> str:
        return f"urn:ota-modules:problem:{self.name}"


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("unreadable", 400, "The body holds no request"),
        Kind("not-found", 404, "Not found"),
        Kind("product-unknown", 404, "Product not found"),
        Kind("method", 405, "Method not allowed"),
        Kind("exists", 409, "The module exists"),
        Kind("limit", 409, "The product has ten modules"),
        Kind("too-large", 413, "The body is too large"),
        Kind("media-type", 415, "Media type not supported"),
        Kind("invalid", 422, "The request is invalid"),
        Kind("refused", 422, "The API refused the request"),
        Kind("fault", 500, "The function failed", shows_detail=False),
        Kind("failed", 502, "The request was given up"),
        Kind("misconfigured", 502, "The deployment has no access to the API", shows_detail=False),
        Kind("upstream", 502, "The API answered with an error"),
        Kind("deadline", 503, "No time left for the request"),
        Kind("quota", 503, "No quota for the call now"),
        Kind("order", 503, "An earlier request for the module is not finished"),
        Kind("sink", 503, "The queue or topic did not accept the message", shows_detail=False),
        Kind("unanswered", 504, "The API did not answer: the module may have been created"),
    )
}


class JsonAnswer(NamedTuple):
    """One status and body; each request of an array gets its own."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = MappingProxyType({})

    def answer(self) -> HttpAnswer:
        text = json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))
        return json_answer(text.encode("utf-8", "replace"), self.status, self.headers)


def json_answer(body: bytes, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> HttpAnswer:
    # Answers must not be cached, and a browser must take them for nothing but data.
    general = {"Content-Type": JSON, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return HttpAnswer(status, {**general, **headers}, body)


class Refusal(Exception):
    """A request that is answered with a problem."""

    def __init__(self, kind: str, detail: str = "", **headers: str) -> None:
        super().__init__(detail)
        self.problem = problem(kind, detail, headers=headers)


def problem(
    kind: str,
    detail: str = "",
    members: Mapping[str, object] = MappingProxyType({}),
    headers: Mapping[str, str] = MappingProxyType({}),
) -> JsonAnswer:
    """Make a problem of a kind; `members` are its extension members, left out where None."""
    known = KINDS[kind]
    about = mask(detail)[:LONGEST_DETAIL] if known.shows_detail else ""
    own = {"detail": about or None, **members}
    body = {"type": known.type, "title": known.title, "status": known.status}
    body |= {name: value for name, value in own.items() if value is not None}
    return JsonAnswer(known.status, body, {"Content-Type": PROBLEM_JSON, **headers})


def answer_result(result: Result) -> JsonAnswer:
    """Make the answer to one result."""
    if isinstance(result, Unfinished):
        return _answer_unfinished(result)
    data = {"Id": result.Id, **result.data()}
    if result.Status not in ("rejected", "failed"):
        return JsonAnswer(201 if result.Status == "created" else 200, data)
    kind = "failed" if result.Status == "failed" else result.why or "refused"
    return problem(kind, _detail(result), {**data, "Errors": None, "errors": data.get("Errors")})


def _detail(outcome: Outcome) -> str:
    if not outcome.Errors:
        return outcome.ErrorMessage or ""
    first, more = outcome.Errors[0], len(outcome.Errors) - 1
    return f"{first.Field or 'the body'} {first.Problem}" + (f", and {more} more in errors" if more else "")


def _answer_unfinished(result: Unfinished) -> JsonAnswer:
    request = result.request
    members = {name: getattr(request, name) for name in ("Id", "ProductKey", "ModuleName", "CorrelationId")}
    # What the API wrote may be of any length.
    api = {"Code": result.code, "RequestId": result.api_request_id}
    members |= {name: mask(text)[:LONGEST_SHORT_TEXT] for name, text in api.items() if text is not None}
    wait = max(1, math.ceil(result.retry_after))
    later = {"Retry-After": str(wait)} if KINDS[result.reason].status == 503 else {}
    return problem(result.reason, result.detail, members, later)


def answer_many(parts: Sequence[JsonAnswer], headers: Mapping[str, str] = MappingProxyType({})) -> HttpAnswer:
    """Make one answer for the requests of an array, in their order."""
    waits = [int(part.headers["Retry-After"]) for part in parts if "Retry-After" in part.headers]
    longest = {"Retry-After": str(max(waits))} if waits else {}
    results = [{**part.body, "status": part.status} for part in parts]
    return JsonAnswer(207, {"results": results}, {**longest, **headers}).answer()
