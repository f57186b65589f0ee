"""The records that `--json` prints, one a line: `make contracts` makes events/cli.schema.json of them.

The dataclasses among them are printed with their fields' names in PascalCase.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AliasGenerator, ConfigDict, Field, computed_field
from pydantic.alias_generators import to_pascal
from pydantic.dataclasses import dataclass
from typing_extensions import NotRequired, TypedDict

from handler.messages import ModuleRequest
from handler.outcomes import Difference

_PASCAL = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_pascal))
Age = Annotated[float, AfterValidator(lambda seconds: round(seconds, 1))]
"""Seconds, to a tenth."""

Action = Literal["create", "none", "update", "differs", "conflict", "limit", "unknown"]
"""create; there as wanted; there, and would be changed; there, and would stay different; there, and the request says fail;
no room; the product cannot be read."""
Outcome = Mapping[str, Any]
"""The data of an outcome, as the result topic has it (events/outcome.schema.json)."""


class Error(TypedDict):
    """The last line of every command that fails; `Code` is the cloud's own, `Details` what a function raised."""

    Error: str
    ExitStatus: int
    Code: NotRequired[str]
    Details: NotRequired[dict[str, Any]]


class Fault(TypedDict):
    """validate, plan, send: a rule that a manifest breaks; `Path` stands for the line in JSON."""

    File: str
    Line: int
    Path: NotRequired[str]
    Field: str
    Rule: str


@dataclass(frozen=True, config=_PASCAL)
class Step:
    """plan, apply: what would become of one request."""

    action: Action
    product_key: str
    module_name: str
    iot_instance_id: str | None
    drift: Mapping[str, Difference]
    reason: str
    place: str
    request: Annotated[ModuleRequest, Field(exclude=True)]


class Sent(TypedDict):
    """send, apply: a run, with the outcomes that failed or differ; `Faults` are those of --skip-invalid."""

    Run: str
    Sent: int
    Statuses: dict[str, int]
    Unsuccessful: Sequence[Outcome]
    Faults: NotRequired[Sequence[Fault]]


class Event(TypedDict):
    """outcomes: an outcome with its envelope (events/outcome.schema.json)."""

    id: str
    data: Outcome


@dataclass(frozen=True, config=_PASCAL)
class Invocation:
    """invoke: what a function returned, a JSON value or text; with --log, the end of its log."""

    request_id: str
    result: Any
    log: str


class Answer(TypedDict):
    """invoke --http: the answer."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, config=_PASCAL)
class DeadLetter:
    """dead-letters: a letter that is listed, replayed or discarded, with its requests as far as they can be read."""

    message_id: str
    reason: str
    detail: str
    requests: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, config=_PASCAL)
class Known:
    """A figure, and how many seconds old it is."""

    value: float
    age: Age = 0.0
    unknown: ClassVar[str] = ""


@dataclass(frozen=True, config=_PASCAL)
class NotKnown:
    """A figure that cannot be had, and why."""

    unknown: str
    value: ClassVar[None] = None
    age: ClassVar[float] = 0.0


Figure = Known | NotKnown


@dataclass(frozen=True, config=_PASCAL)
class Failure:
    """What went wrong last, and how many seconds ago."""

    text: str
    age: Age


@dataclass(frozen=True, config=_PASCAL)
class Stream:
    """A stream of the request queue; `in_flight` is None where nobody tells how many messages it holds."""

    name: str
    state: str
    in_flight: int | None = None

    @property
    def is_running(self) -> bool:
        return self.state.lower() == "running"


class Run(TypedDict):
    """A run that this machine knows of; one that a command is at work on has only its `State`, the ledger's name."""

    Run: NotRequired[str]
    Manifests: NotRequired[str]
    Total: NotRequired[int]
    Sent: NotRequired[int]
    Answered: NotRequired[int]
    Changed: NotRequired[str | None]
    State: NotRequired[str]
    Busy: NotRequired[bool]


@dataclass(frozen=True, config=_PASCAL)
class Figures:
    """status: the figures of a target. Depths count messages; a message that was put back may hold several requests."""

    waiting: Figure
    in_flight: Figure
    delayed: Figure
    dead: Figure
    calls: Figure
    """Calls of the IoT API a second."""
    outcomes: Figure
    """Outcomes a second."""
    share: Figure
    """Calls of one operation a second that the queue's function may make."""
    last_error: Failure | None = None
    streams: Sequence[Stream] = ()
    unknown: Sequence[str] = ()
    """What else could not be told, and why."""
    runs: Sequence[Run] = ()
    """The newest runs of this machine."""

    @property
    def ahead(self) -> float | None:
        """Messages that are not finished; None where nobody tells how many."""
        known = [each.value for each in (self.waiting, self.in_flight, self.delayed) if each.value is not None]
        return sum(known) if self.waiting.value is not None else None

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated property
    @property
    def seconds_left(self) -> int | None:
        """How long what is queued takes with this share; None where that cannot be told."""
        return None if self.ahead is None or not self.share.value else round(self.ahead / self.share.value)


class Switched(TypedDict):
    """pause, resume: what a stream is told."""

    Stream: str
    State: str
    InFlight: NotRequired[int | None]


class Cancelled(TypedDict):
    """cancel: the Ids that were taken out, and the outcomes of what had changed before."""

    Run: str
    Cancelled: Sequence[str]
    Changed: Sequence[Outcome]


@dataclass(frozen=True, config=_PASCAL)
class Leftover:
    """clean: a temporary queue, its subscription, or both; `age` in seconds, `what` made it."""

    queue: str
    age: int
    what: str


@dataclass(frozen=True, config=_PASCAL)
class Finding:
    """doctor: what a check found; `advice` says what to do unless it is ok."""

    check: str
    verdict: Literal["ok", "wrong", "unknown"]
    text: str
    advice: str = ""


class Wrote(TypedDict):
    """init: the file that was written."""

    Wrote: str


class Injected(TypedDict):
    """faults: a fault that is injected, with its rule's fields; docs/local-cloud.md has them."""

    id: str


@dataclass(frozen=True, config=_PASCAL)
class Deviation:
    """Where a sample's outcome is not the expected one."""

    sample: str
    id: str
    problem: str


@dataclass(frozen=True, config=_PASCAL)
class Toured:
    """run: the summary of the tour. Before and after it each line is an outcome's data with its request's `Id`."""

    samples: Mapping[str, int]
    outcomes: int
    statuses: Mapping[str, int]
    seconds: Age
    findings: Sequence[Deviation]
    page: str
    busiest_second: Mapping[str, int] = Field(default_factory=dict)


class Arrived(TypedDict):
    """run: an outcome's data, with the `Id` of its request, and with the sample that it belongs to."""

    Id: str
    Status: str
    Sample: NotRequired[str]


OPEN = (Event, Injected, Arrived)
"""Records with further fields, which other documents describe."""

Record = (
    Error | Fault | Step | Sent | Event | Invocation | Answer | DeadLetter | Figures | Switched | Cancelled | Leftover
    | Finding | Wrote | Injected | Toured | Arrived
)  # fmt: skip
