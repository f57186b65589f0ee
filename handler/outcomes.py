"""Writes the output contract: one outcome for each request, as a CloudEvent (1.0, structured JSON)."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import to_json

from handler.errors import CallError, Misconfigured, OutOfTime, SinkError, Throttled, Unanswered
from handler.messages import API_FIELDS, NOTHING, Invalid, Known, ModuleRequest
from handler.problems import Problem
from handler.texts import compact

Status = Literal["created", "existing", "updated", "rejected", "failed"]
_Status = Status  # inside the model its field has the name
Why = Literal["invalid", "unreadable", "product-unknown", "exists", "limit", "refused"]
"""Why a request was rejected; decides the HTTP status."""
Reason = Literal["quota", "deadline", "unanswered", "upstream", "misconfigured", "sink", "fault", "order"]
"""Why a request is not finished yet."""

LONGEST_TEXT = 2_000
"""Characters of the API's ErrorMessage that are passed on: an outcome must stay under SMQ's 64 KiB."""
LONGEST_SHORT_TEXT = 500
"""Characters of any other text of the API's."""

# Made once for this project; ids of outcomes are UUIDs in this name space.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ota-modules:outcome")


def _clip(longest: int) -> BeforeValidator:
    """Shorten foreign text for a message, and replace what UTF-8 cannot carry."""

    def clip(text: object) -> object:
        return text[:longest].encode("utf-8", "replace").decode() if isinstance(text, str) else text

    return BeforeValidator(clip)


_Text = Annotated[str, _clip(LONGEST_TEXT)]
_Short = Annotated[str, _clip(LONGEST_SHORT_TEXT)]


class Difference(BaseModel):
    """A field that is not as the request wants it."""

    model_config = ConfigDict(frozen=True)

    Wanted: _Short
    Found: _Short


class Outcome(BaseModel):
    """Reports how a request ended. Fields that are unknown or do not apply are left out of the event."""

    model_config = ConfigDict(frozen=True)

    Status: _Status
    ProductKey: str | None = None
    ModuleName: str | None = None
    AliasName: str | None = None
    Desc: str | None = None
    IotInstanceId: str | None = None
    RequestId: Annotated[_Short | None, Field(description="The API's own, of the call that decided.")] = None
    Code: Annotated[_Short | None, Field(description="The API's code, as it came.")] = None
    ErrorMessage: _Text | None = None
    Errors: tuple[Problem, ...] | None = None
    Drift: dict[str, Difference] | None = None
    Attempts: Annotated[int, Field(description="Attempts; deliveries that cost none are not counted.")] = 1
    CorrelationId: str | None = None

    Id: Annotated[str, Field(exclude=True)]
    Replay: Annotated[int, Field(exclude=True)] = 0
    traceparent: Annotated[str | None, Field(exclude=True)] = None
    why: Annotated[Why | None, Field(exclude=True)] = None

    @classmethod
    def of(cls, request: ModuleRequest | Invalid, status: _Status, **more: object) -> "Outcome":
        """Make a request's outcome."""
        return cls(
            Status=status,
            **{name: getattr(request, name) for name in ("Id", *API_FIELDS, "CorrelationId", "traceparent")},
            Attempts=request.Attempt,
            Replay=request.Replay or 0,
            **{name: value for name, value in more.items() if value not in (None, {}, "")},
        )

    @classmethod
    def invalid(cls, request: Invalid) -> "Outcome":
        """Make the outcome of an invalid request."""
        return cls.of(request, "rejected", why="invalid" if request.readable else "unreadable", Errors=request.problems)

    @property
    def event_id(self) -> str:
        """Return an id that is the same for every delivery of one request, and for no other: made of its Id and key, of `Replay`
        if replayed, and of its problems, since invalid requests may share an Id and have no key."""
        name = None if self.ModuleName is None else self.ModuleName.casefold()
        problems = [[each.Field, each.Problem] for each in self.Errors or ()]
        key = [self.Id, self.IotInstanceId, self.ProductKey, name, *(part for part in (self.Replay, problems) if part)]
        return str(uuid.uuid5(_NAMESPACE, json.dumps(key)))

    @property
    def shows_module(self) -> bool:
        """Tell whether the module exists by it."""
        return self.Status in ("created", "existing", "updated") or self.why == "exists"

    def data(self) -> dict[str, object]:
        """Return the public part, as JSON values."""
        return self.model_dump(mode="json", exclude_none=True)

    def event(self, source: str, moment: float) -> str:
        """Write the CloudEvent as JSON. `source`: /ota-modules/<region>/<function>; `moment`: unix seconds."""
        extensions = {
            "subject": f"{self.ProductKey}/{self.ModuleName}" if self.ProductKey and self.ModuleName else None,
            "correlationid": self.CorrelationId,
            "causationid": self.Id,
            "traceparent": self.traceparent,
        }
        event = {
            "specversion": "1.0",
            "id": self.event_id,
            "source": source,
            "type": f"ota.module.{self.Status}",
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
            "datacontenttype": "application/json",
            **{name: value for name, value in extensions.items() if value},
            "data": self.data(),
        }
        return to_json(event).decode()


class Unfinished(NamedTuple):
    """A request without an outcome in this delivery, and why."""

    request: ModuleRequest | Invalid
    reason: Reason
    detail: str
    code: str | None = None
    api_request_id: str | None = None
    retry_after: float = 0.0
    """Seconds after which trying again makes sense."""
    known: Known = NOTHING
    counts: bool = False
    """Whether this delivery costs it an attempt."""

    @classmethod
    def of(
        cls, request: ModuleRequest | Invalid, error: Exception, known: Known, *, counts: bool = False
    ) -> "Unfinished":
        """Make the unfinished request that an error leaves. An internal error costs an attempt, since it may recur each time."""
        reason = next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), None)
        if reason is None:
            return cls(request, "fault", type(error).__name__, known=known, counts=True)
        made = cls(request, reason, str(error)[:LONGEST_TEXT], known=known, counts=counts)
        if isinstance(error, CallError):
            return made._replace(code=error.code, api_request_id=error.request_id, retry_after=error.retry_after)
        if isinstance(error, OutOfTime) and error.wait:
            return made._replace(reason="quota", retry_after=error.wait)
        return made


_REASONS: Mapping[type[Exception], Reason] = {
    OutOfTime: "deadline",
    Throttled: "quota",
    Misconfigured: "misconfigured",
    Unanswered: "unanswered",
    CallError: "upstream",
    SinkError: "sink",
}
"""By error, the first that fits; any other error is internal."""


def dead_letter(request: ModuleRequest, unfinished: Unfinished, event: str) -> str:
    """Write a dead letter: the request with all known facts, the reason, and its outcome."""
    known = request.model_copy(update=unfinished.known._asdict())
    letter = {
        "Reason": unfinished.reason,
        "Detail": unfinished.detail,
        "Request": {**known.model_dump(exclude_none=True, exclude_defaults=True), "Attempt": request.Attempt},
        "Outcome": json.loads(event),
    }
    return compact(letter)


Result = Outcome | Unfinished
