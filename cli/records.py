"""The records that `--json` prints, one a line: `make contracts` makes events/cli.schema.json of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import NotRequired, TypedDict

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


class Step(TypedDict):
    """plan, apply: what would become of one request."""

    Action: str
    ProductKey: str
    ModuleName: str
    IotInstanceId: str | None
    Drift: dict[str, dict[str, Any]]
    Reason: str
    Place: str


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


class Invocation(TypedDict):
    """invoke: what a function returned; `Log` with --log."""

    RequestId: str
    Result: Any
    Log: NotRequired[str]


class Answer(TypedDict):
    """invoke --http: the answer."""

    status: int
    headers: dict[str, str]
    body: Any


class DeadLetter(TypedDict):
    """dead-letters: a letter that is listed, replayed or discarded."""

    MessageId: str
    Reason: str
    Detail: str
    Requests: Sequence[Mapping[str, Any]]


class Known(TypedDict):
    """A figure, and how many seconds old it is."""

    Value: float
    Age: float


class NotKnown(TypedDict):
    """A figure that cannot be had, and why."""

    Unknown: str


class Failure(TypedDict):
    """What went wrong last, and how many seconds ago."""

    Text: str
    Age: float


class StreamState(TypedDict):
    """A stream of the request queue."""

    Name: str
    State: str
    InFlight: int | None


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


class Figures(TypedDict):
    """status: the figures of a target."""

    Waiting: Known | NotKnown
    InFlight: Known | NotKnown
    Delayed: Known | NotKnown
    Dead: Known | NotKnown
    Calls: Known | NotKnown
    Outcomes: Known | NotKnown
    Share: Known | NotKnown
    SecondsLeft: int | None
    LastError: Failure | None
    Streams: Sequence[StreamState]
    Unknown: Sequence[str]


class Status(Figures):
    """status: the figures, and the newest runs."""

    Runs: Sequence[Run]


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


class Leftover(TypedDict):
    """clean: a temporary queue that was removed."""

    Queue: str
    Age: int
    What: str


class Finding(TypedDict):
    """doctor: what a check found."""

    Check: str
    Verdict: str
    Text: str
    Advice: str


class Wrote(TypedDict):
    """init: the file that was written."""

    Wrote: str


class Injected(TypedDict):
    """faults: a fault that is injected, with its rule's fields; docs/local-cloud.md has them."""

    id: str


class Deviation(TypedDict):
    """Where a sample's outcome is not the expected one."""

    Sample: str
    Id: str
    Problem: str


class Toured(TypedDict):
    """run: the summary of the tour. Before and after it each line is an outcome's data with its request's `Id`."""

    Samples: dict[str, int]
    Outcomes: int
    Statuses: dict[str, int]
    Seconds: float
    Findings: Sequence[Deviation]
    BusiestSecond: dict[str, int]
    Page: str | None


class Arrived(TypedDict):
    """run: an outcome's data, with the `Id` of its request; those of samples say where they are not as expected."""

    Id: str
    Status: str
    Sample: NotRequired[str]
    Findings: NotRequired[Sequence[str]]


OPEN = (Event, Injected, Arrived)
"""Records with further fields, which other documents describe."""

Record = (
    Error | Fault | Step | Sent | Event | Invocation | Answer | DeadLetter | Status | Switched | Cancelled | Leftover
    | Finding | Wrote | Injected | Toured | Arrived
)  # fmt: skip
