"""Reads the input contract: a request, or an array of them, as JSON. Reports all faults of a request at once, by field.

Rules come from the API reference of CreateOTAModule; the function's own fields are marked.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from handler.envelopes import MOST_REQUESTS, Part, Place, open_body
from handler.problems import (
    CONTROL,
    INVISIBLE,
    LONGEST_REPEATED,
    MOST_PROBLEMS,
    Problem,
    find_closest,
    problems_of,
    replace_unprintable,
    show_value,
)
from handler.texts import Flaw, find_flaw

MOST_SECONDS = 100_000_000_000
"""Unix seconds that a field may hold: the year 5138."""

_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fffd\U00030000-\U0003fffd"
_BUILT_IN = "[dD][eE][fF][aA][uU][lL][tT]"
_TRACEPARENT = "(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_RULES = {
    "ProductKey": "must hold no white space, control or invisible characters",
    "ModuleName": "must be English letters, digits, '.', '_' and '-' only, and not 'default': that module is built in",
    "AliasName": "must be Chinese characters, English letters, digits, '.', '_' and '-' only",
    "Desc": "must hold no control characters",
    "IotInstanceId": "must be visible ASCII characters only",
    "Id": "must hold no control characters",
    "CorrelationId": "must hold no control characters",
    "traceparent": "must be a W3C traceparent: version-traceid-parentid-flags in lower-case hex",
}
"""The rule for each field's text, as shown to senders."""


def _text(characters: str, longest: int, least: int = 1, schema: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - pydantic's
    return Field(min_length=least or None, max_length=longest, pattern=f"^{characters}*$", json_schema_extra=schema)


def _check(keeps: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        if not keeps(text):
            raise ValueError
        return text

    return AfterValidator(check)


def _integer(value: object) -> object:
    """Accept 1.0 as an integer, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_NOT_BUILT_IN = _check(lambda text: not re.fullmatch(_BUILT_IN, text))
_IS_TRACE = _check(lambda text: re.fullmatch(_TRACEPARENT, text))
_Own = Annotated[str, _text(f"[^{CONTROL}]", 128)]
_Moment = Annotated[int, Field(ge=0, le=MOST_SECONDS), BeforeValidator(_integer)]
Policy = Literal["keep", "update", "fail"]


class Known(NamedTuple):
    """Facts that deliveries of a request have found out; they travel with it when it is put back."""

    Tried: bool | int = False
    """When the first create call with a possible effect left, in unix seconds; True: time unknown."""
    Theirs: bool = False
    """The module was seen, and no call of this request had made it."""
    Updated: bool = False
    """An update of this request was accepted."""


NOTHING = Known()


class ModuleKey(NamedTuple):
    """Identifies a module; names that differ only in case mean the same one."""

    instance: str | None
    product: str
    name: str


class ModuleRequest(BaseModel):
    """Requests one module. Id, CorrelationId, traceparent and OnExisting are the function's own fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    ProductKey: Annotated[str, _text(f"[^ {CONTROL}{INVISIBLE}]", 64)]
    ModuleName: Annotated[
        str, _text("[A-Za-z0-9._-]", 64, schema={"not": {"pattern": f"^{_BUILT_IN}$"}}), _NOT_BUILT_IN
    ]
    AliasName: Annotated[str, _text(f"[A-Za-z0-9._{_CHINESE}-]", 64)] | None = None
    Desc: Annotated[str, _text(f"[^{CONTROL}]", 100, least=0)] | None = None
    IotInstanceId: Annotated[str, _text("[!-~]", 128)] | None = None
    OnExisting: Policy | None = None
    Id: _Own | None = None
    CorrelationId: _Own | None = None
    traceparent: Annotated[str, Field(json_schema_extra={"pattern": f"^{_TRACEPARENT}$"}), _IS_TRACE] | None = None
    Attempt: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_integer)] = Field(
        1, description="Set by the function when it puts a request back."
    )
    Since: _Moment | None = Field(
        None, description="Set by the function: unix seconds of the first delivery that put the request back."
    )
    Tried: bool | _Moment = Field(
        False,
        description="Set by the function: unix seconds of the first create call whose effect is not known; or true.",
    )
    Theirs: bool = Field(
        False, description="Set by the function: an earlier delivery saw that the module is not the sender's making."
    )
    Updated: bool = Field(False, description="Set by the function: an update of an earlier delivery was accepted.")
    Replay: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_integer)] | None = Field(
        None, description="Set when a dead letter is replayed: how often it was."
    )

    def in_instance(self, default: str | None) -> "ModuleRequest":
        """Return the request with its instance filled in."""
        named = default is None or self.IotInstanceId is not None
        return self if named else self.model_copy(update={"IotInstanceId": default})

    def to_json(self) -> str:
        """Write it as JSON, without default values."""
        return self.model_dump_json(exclude_none=True, exclude_defaults=True)

    def write_again(self, now: float, known: Known, *, counts: bool) -> str:
        """Write it for its next delivery, with all known facts; `counts`: with one more attempt. `now`: unix seconds."""
        since = int(now) if self.Since is None else self.Since
        added = {**known._asdict(), "Attempt": self.Attempt + counts, "Since": since}
        return self.model_copy(update=added).to_json()

    @property
    def known(self) -> Known:
        return Known(self.Tried, self.Theirs, self.Updated)

    @property
    def key(self) -> ModuleKey:
        return ModuleKey(self.IotInstanceId, self.ProductKey, self.ModuleName.casefold())


class Invalid(NamedTuple):
    """A request that breaks rules, with what could be read of it."""

    Id: str
    problems: tuple[Problem, ...]
    ProductKey: str | None = None
    ModuleName: str | None = None
    AliasName: str | None = None
    Desc: str | None = None
    IotInstanceId: str | None = None
    CorrelationId: str | None = None
    traceparent: str | None = None
    Attempt: int = 1
    Since: None = None
    Replay: None = None
    known: Known = NOTHING
    readable: bool = True
    """False: it was no JSON object."""


API_FIELDS = ("ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId")


class Contents(NamedTuple):
    """The contents of a message."""

    parts: list[Part]
    """Parts meant as requests, each with the fields that its message adds."""
    ignored: list[str]
    """Why other parts are no requests: a tombstone, a health check, a subscription's confirmation."""
    several: bool
    """Whether it holds an array."""

    def requests(self) -> list[ModuleRequest | Invalid]:
        """Read and check each part."""
        return [_read_part(part) for part in self.parts]


def read(body: object, default_id: str, trace: str | None = None) -> list[ModuleRequest | Invalid]:
    """Read the requests in a body whose message has an id; see `read_body`."""
    return read_body(body, Place(default_id, is_named=True, trace=trace)).requests()


def read_body(body: object, place: Place) -> Contents:
    """Find the requests in a message's body (text, bytes, or a JSON value already parsed) and in the envelopes inside it.

    Its Id is the sender's, or its message's with `/n` for the n-th of an array. Its traceparent is its own, or that of the
    innermost envelope, if valid. Never raises: unreadable requests are Invalid.
    """
    parts = list(islice(open_body(body, place), MOST_REQUESTS + 1))
    if len(parts) > MOST_REQUESTS:
        parts = [Part(place, Flaw(f"holds more than {MOST_REQUESTS} requests"))]
    asked = [_complete(part) for part in parts if not part.ignored or names_module(part.value)]
    ignored = [part.ignored for part in parts if part.ignored and not names_module(part.value)]
    return Contents(asked, ignored, any(part.place.several for part in parts))


def _complete(part: Part) -> Part:
    value, replays = part.value, part.place.replays
    if not isinstance(value, dict):
        return part
    added = {name: text for name, text in _message_fields(part).items() if value.get(name) is None}
    return part._replace(value={**(replay(value, replays) if replays else value), **added})


def _message_fields(part: Part) -> dict[str, str]:
    """Return the fields that a message adds to its request."""
    trace = part.place.trace
    return {"Id": part.id, **({"traceparent": trace} if trace and re.fullmatch(_TRACEPARENT, trace) else {})}


def replay(request: Mapping[str, Any], times: int = 1) -> dict[str, Any]:
    """Restart a request that was given up: forget its attempts and age, keep what is known of its effects."""
    before = request.get("Replay") or 0
    again = before + times if type(before) is int else before
    return {**{name: value for name, value in request.items() if name not in ("Attempt", "Since")}, "Replay": again}


def names_module(value: object) -> bool:
    """Tell whether an object names a required field of a request, in whatever spelling."""
    names = list(value)[:MOST_PROBLEMS] if isinstance(value, dict) else []
    return any(find_closest(str(name), ModuleRequest.model_fields) in ("ProductKey", "ModuleName") for name in names)


def _read_part(part: Part) -> ModuleRequest | Invalid:
    value = part.value
    if not isinstance(value, dict):
        problem = value.problem if isinstance(value, Flaw) else f"must be a JSON object (it is {show_value(value)})"
        return Invalid(part.id, (Problem(Field="", Problem=problem),), readable=False)
    # A name that is not valid Unicode would end the validation before anything else was checked.
    fields = {replace_unprintable(str(name)): each for name, each in value.items()}
    try:
        return ModuleRequest.model_validate(fields)
    except ValidationError as error:
        problems = problems_of(error, ModuleRequest.model_fields, _RULES)
    wrong = {problem.Field for problem in problems}
    own = {
        name: each
        for name in ("Id", "CorrelationId", "traceparent", "Attempt")
        if (each := fields.get(name)) and name not in wrong
    }
    # The API's fields are repeated even if they break a rule, as far as they are printable.
    named = {
        name: replace_unprintable(each[:LONGEST_REPEATED])
        for name in API_FIELDS
        if isinstance(each := fields.get(name), str)
    }
    flaw = find_flaw(fields)
    if flaw is not None:
        problems = (Problem(Field="", Problem=flaw.problem),)
    return Invalid(**{**_message_fields(part), **named, **own}, problems=problems, readable=flaw is None)
