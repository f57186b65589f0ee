"""The input contract: a request, or an array of them, as JSON; every fault of a request at once, by field.

Rules come from the API reference of CreateOTAModule; a field that is the function's own says so.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from handler.envelopes import MOST_REQUESTS, Part, Place, open_body
from handler.texts import Flaw, find_flaw, write

LONGEST_SHOWN = 64
"""Characters of a refused value that its sender is shown."""
MOST_PROBLEMS = 20
"""Problems of one request that are reported; an object with a thousand unknown fields is not answered a thousand times."""

MOST_SECONDS = 100_000_000_000
"""Unix seconds that a field may hold: the year 5138."""

# Patterns are compiled when they are first used: a cold start need not wait for those that look at faults.
# Character classes stand here in full, and not as Unicode categories, so that every version of Python and the published schema
# mean the same. Invisible: white space and what fonts show as nothing (Default_Ignorable_Code_Point, format characters, fillers).
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(f"{chr(last - 1)}{chr(last)}" for last in range(0xFFFF, 0x110000, 0x10000))
_CONTROL = f"\x00-\x1f\x7f-\x9f\u2028\u2029{_NONCHARACTERS}"
_INVISIBLE = (
    "\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    "\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CHINESE = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fffd\U00030000-\U0003fffd"
_TRACEPARENT = "(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
# JSON can hold half of a surrogate pair, UTF-8 cannot: pydantic refuses such texts, and no error may repeat them.
_UNPRINTABLE = f"[{_CONTROL}\ud800-\udfff]"
_UNSHOWN = f"[{_CONTROL}{_INVISIBLE}\ud800-\udfff]"


class _Rule(NamedTuple):
    """What the whole of a text must match, and how its sender is told; stands in the published schema too."""

    pattern: str
    words: str
    unless: str | None = None
    """A pattern that it must not match."""

    def check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value) or (self.unless and re.fullmatch(self.unless, value)):
            raise ValueError(self.words)
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        unless = {"not": {"pattern": f"^{self.unless}$"}} if self.unless else {}
        return {**handler(schema), "pattern": f"^{self.pattern}$", **unless}


_ProductKey = Annotated[
    str,
    Field(min_length=1, max_length=64),
    _Rule(f"[^ {_CONTROL}{_INVISIBLE}]*", "must hold no white space, control or invisible characters"),
]
_ModuleName = Annotated[
    str,
    Field(min_length=1, max_length=64),
    _Rule(
        "[A-Za-z0-9._-]*",
        "must be English letters, digits, '.', '_' and '-' only, and not 'default': that module is built in",
        unless="[dD][eE][fF][aA][uU][lL][tT]",
    ),
]
_AliasName = Annotated[
    str,
    Field(min_length=1, max_length=64),
    _Rule(f"[A-Za-z0-9._{_CHINESE}-]*", "must be Chinese characters, English letters, digits, '.', '_' and '-' only"),
]
_Desc = Annotated[str, Field(max_length=100), _Rule(f"[^{_CONTROL}]*", "must hold no control characters")]
_IotInstanceId = Annotated[
    str, Field(min_length=1, max_length=128), _Rule("[!-~]*", "must be visible ASCII characters only")
]
_Own = Annotated[str, Field(min_length=1, max_length=128), _Rule(f"[^{_CONTROL}]*", "must hold no control characters")]
_Trace = Annotated[
    str,
    _Rule(_TRACEPARENT, "must be a W3C traceparent: version-traceid-parentid-flags in lower-case hex"),
]
Policy = Literal["keep", "update", "fail"]


class Known(NamedTuple):
    """What the deliveries of a request have found out, as it travels with a request that is put back."""

    Tried: bool | int = False
    """When the first create call left that may have had an effect, in unix seconds; True: some time ago."""
    Theirs: bool = False
    """The module was seen, and no call of this request had made it."""
    Updated: bool = False
    """An update of this request was accepted."""


NOTHING = Known()


class ModuleKey(NamedTuple):
    """What makes two requests mean the same module; names differ in more than case."""

    instance: str | None
    product: str
    name: str


def _integer(value: object) -> object:
    """1.0 is an integer, as JSON Schema has it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Moment = Annotated[int, Field(ge=0, le=MOST_SECONDS), BeforeValidator(_integer)]


class ModuleRequest(BaseModel):
    """One module that somebody wants. Id, CorrelationId, traceparent and OnExisting are the function's own fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    ProductKey: _ProductKey
    ModuleName: _ModuleName
    AliasName: _AliasName | None = None
    Desc: _Desc | None = None
    IotInstanceId: _IotInstanceId | None = None
    OnExisting: Policy | None = None
    Id: _Own | None = None
    CorrelationId: _Own | None = None
    traceparent: _Trace | None = None
    Attempt: Annotated[
        int,
        Field(ge=1, le=1_000_000, description="Set by the function when it puts a request back."),
        BeforeValidator(_integer),
    ] = 1
    Since: Annotated[
        _Moment | None,
        Field(description="Set by the function: unix seconds of the first delivery that put the request back."),
    ] = None
    Tried: Annotated[
        bool | _Moment,
        Field(
            description="Set by the function: unix seconds of the first create call whose effect is not known; or true."
        ),
    ] = False
    Theirs: Annotated[
        bool,
        Field(description="Set by the function: an earlier delivery saw that the module is not the sender's making."),
    ] = False
    Updated: Annotated[
        bool,
        Field(description="Set by the function: an update of an earlier delivery was accepted."),
    ] = False
    Replay: Annotated[
        int | None,
        Field(ge=0, le=1_000_000, description="Set when a dead letter is replayed: how often it was."),
        BeforeValidator(_integer),
    ] = None

    def in_instance(self, default: str | None) -> "ModuleRequest":
        """The same request, in the instance that it means."""
        named = default is None or self.IotInstanceId is not None
        return self if named else self.model_copy(update={"IotInstanceId": default})

    @property
    def known(self) -> Known:
        return Known(self.Tried, self.Theirs, self.Updated)

    @property
    def key(self) -> ModuleKey:
        return ModuleKey(self.IotInstanceId, self.ProductKey, self.ModuleName.casefold())


class Problem(BaseModel):
    """What is wrong with one field; `Field` is empty where it is the whole message."""

    model_config = ConfigDict(frozen=True)

    Field: str
    Problem: str


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
    readable: bool = True
    """Whether it was a JSON object at all."""


class Contents(NamedTuple):
    """What a message's body holds."""

    requests: list[ModuleRequest | Invalid]
    raw: list[object]
    """What each of them was read from; a Flaw where that cannot be told."""
    ignored: list[str]
    """Why parts of it ask for nothing: a tombstone, a health check, a subscription's confirmation."""
    several: bool
    """Whether there is an array in it."""


def read(body: object, default_id: str, trace: str | None = None) -> list[ModuleRequest | Invalid]:
    """Read the requests in a body whose message has an id; see `read_body`."""
    return read_body(body, Place(default_id, is_named=True, trace=trace)).requests


def read_body(body: object, place: Place) -> Contents:
    """Read the requests in a message's body (text, bytes, or a JSON value already parsed) and in the envelopes inside it.

    Each has its Id: the sender's own, or its message's, with `/n` for the n-th of an array; and its traceparent: its own, or
    that of the innermost envelope, where that is a valid one. Never raises: what cannot be read is Invalid.
    """
    parts = list(islice(open_body(body, place), MOST_REQUESTS + 1))
    if len(parts) > MOST_REQUESTS:
        flaw = Flaw(f"holds more than {MOST_REQUESTS} requests")
        return Contents([_unreadable(place.id, flaw.problem)], [flaw], [], several=False)
    asked = [part for part in parts if not part.ignored or names_module(part.value)]
    ignored = [part.ignored for part in parts if part.ignored and not names_module(part.value)]
    several = any(part.place.several for part in parts)
    return Contents([_read_part(part) for part in asked], [_raw(part) for part in asked], ignored, several)


def _raw(part: Part) -> object:
    if part.problem is None or isinstance(part.value, Flaw):
        return part.value
    return Flaw(part.problem, write(part.problem))


def _read_part(part: Part) -> ModuleRequest | Invalid:
    trace, replays = part.place.trace, part.place.replays
    if part.problem:
        return _unreadable(part.id, part.problem)
    if not isinstance(part.value, dict):
        return _unreadable(part.id, f"must be a JSON object (it is {shown(part.value)})")
    valid = trace if trace and re.fullmatch(_TRACEPARENT, trace) else None
    return _request(replay(part.value, replays) if replays else part.value, part.id, valid)


def replay(request: Mapping[str, Any], times: int = 1) -> dict[str, Any]:
    """Begin a request anew that was given up: its attempts and its age are forgotten, what is known of its effects is kept."""
    before = request.get("Replay") or 0
    again = before + times if type(before) is int else before
    return {**{name: value for name, value in request.items() if name not in ("Attempt", "Since")}, "Replay": again}


def names_module(value: object) -> bool:
    """Tell whether an object names a required field of a request, in whatever spelling."""
    names = list(value)[:MOST_PROBLEMS] if isinstance(value, dict) else []
    return any(suggest_field(str(name)) in ("ProductKey", "ModuleName") for name in names)


def suggest_field(name: str) -> str | None:
    """Suggest the field of a request that is meant by another name, if any: `productKey`, `module_name`, `Alias`."""
    from difflib import get_close_matches  # here, so that a new instance does not wait for it

    fields = {field.casefold(): field for field in ModuleRequest.model_fields}
    plain = re.sub(r"[^a-z]", "", name[:LONGEST_SHOWN].casefold())
    parts = [field for field in fields if min(len(field), len(plain)) > 3 and (plain in field or field in plain)]
    near = [*get_close_matches(plain, fields, 1, 0.8), *parts]
    return fields[near[0]] if near else None


def _unreadable(default_id: str, problem: str) -> Invalid:
    return Invalid(default_id, (_whole(problem),), readable=False)


def _whole(problem: str) -> Problem:
    return Problem(Field="", Problem=problem)


def _request(value: dict[str, Any], default_id: str, trace: str | None) -> ModuleRequest | Invalid:
    # A name that is no Unicode text would end the validation before anything else was looked at.
    fields = {re.sub(_UNPRINTABLE, "\ufffd", str(name)): each for name, each in value.items()}
    try:
        request = ModuleRequest.model_validate(fields)
    except ValidationError as error:
        invalid = _invalid(fields, default_id, trace, error)
        flaw = find_flaw(fields)
        return invalid if flaw is None else invalid._replace(problems=(_whole(flaw.problem),), readable=False)
    return request.model_copy(update={"Id": request.Id or default_id, "traceparent": request.traceparent or trace})


def _invalid(value: dict[str, Any], default_id: str, trace: str | None, error: ValidationError) -> Invalid:
    problems = tuple(_problems(error))
    wrong = {problem.Field for problem in problems}
    own = {name: value.get(name) for name in ("Id", "CorrelationId", "traceparent", "Attempt") if name not in wrong}
    # The API's fields are repeated even where they broke a rule, in so far as they can be shown.
    return Invalid(
        own.get("Id") or default_id,
        problems,
        _plain(value.get("ProductKey")),
        _plain(value.get("ModuleName")),
        _plain(value.get("AliasName")),
        _plain(value.get("Desc")),
        _plain(value.get("IotInstanceId")),
        own.get("CorrelationId"),
        own.get("traceparent") or trace,
        own.get("Attempt") or 1,
    )


def _problems(error: ValidationError) -> Iterator[Problem]:
    faults = error.errors(include_url=False)
    for fault in faults[:MOST_PROBLEMS]:
        name = str(fault["loc"][0]) if fault["loc"] else ""
        yield Problem(Field=_plain(name) or "", Problem=_describe(name, fault))
    if len(faults) > MOST_PROBLEMS:
        yield _whole(f"{len(faults) - MOST_PROBLEMS} more problems")


def _describe(name: str, fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    if fault["type"] == "missing":
        return "is required"
    if fault["type"] == "extra_forbidden":
        meant = suggest_field(name)
        return "is not a field of a request" + (f" (did you mean {meant}?)" if meant else "")
    rule = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    return f"{rule[:1].lower()}{rule[1:]} (it is {shown(fault['input'])})"


def shown(value: object) -> str:
    """A value in an error: short, and with nothing invisible in it."""
    text = value if isinstance(value, str) else _json(value)
    short = text[:LONGEST_SHOWN] + ("…" if len(text) > LONGEST_SHOWN else "")
    visible = re.sub(_UNSHOWN, lambda found: f"\\u{ord(found[0]):04x}", short)
    return f"'{visible}'" if isinstance(value, str) else visible


def _json(value: object) -> str:
    try:
        return json.dumps(value, default=str, skipkeys=True)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"


def _plain(value: object) -> str | None:
    """A string that can be shown to its sender; None for anything else."""
    if not isinstance(value, str):
        return None
    return re.sub(_UNPRINTABLE, "\ufffd", value[:128])
