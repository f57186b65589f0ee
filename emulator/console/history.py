"""The records that the page keeps of requests. Moments are monotonic seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Happening:
    """A step of a request: a queue accepted its message, its outcome was published, it became a dead letter, or its message
    was deleted. `details` are the fields that the page shows of it."""

    moment: float
    kind: Literal["queued", "published", "dead", "acknowledged"]
    details: Mapping[str, object]


@dataclass(frozen=True)
class Visit:
    """The work of an invocation on a request, ended at `moment`; `entry` is the line that the function logged then."""

    moment: float
    function: str
    invocation: str
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Trouble:
    """An error of an operation of the API or of a function: the last warning or error in its log, or its last failed call."""

    moment: float
    source: str
    text: str

    def as_json(self, shift: float) -> dict[str, object]:
        """Describe it for the page; `shift` makes monotonic seconds unix ones."""
        return {"at": round(self.moment + shift, 3), "source": self.source, "text": self.text}


@dataclass(frozen=True)
class NumberedOutcome:
    """An outcome, numbered in order; `repeated` if one with its id came before."""

    number: int
    moment: float
    event: Mapping[str, Any] = field(repr=False)
    repeated: bool = False

    @property
    def request(self) -> str:
        """The request's Id."""
        return str(self.event.get("causationid") or "")

    @property
    def data(self) -> Mapping[str, Any]:
        data = self.event.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def module(self) -> tuple[str, str]:
        """The product and the module; letters of a module's name are compared without case."""
        return str(self.data.get("ProductKey")), str(self.data.get("ModuleName")).casefold()
