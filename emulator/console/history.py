"""What happened to a request, step by step. Moments are monotonic seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Queued:
    """A queue took it: at first, or put back."""

    moment: float
    queue: str
    message: str
    attempt: int


@dataclass(frozen=True)
class Worked:
    """What the function logged of it, at the end of its work in one invocation."""

    moment: float
    function: str
    invocation: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """Its outcome went out."""

    moment: float
    event: Mapping[str, Any]


@dataclass(frozen=True)
class DeadLettered:
    """It was given up."""

    moment: float
    queue: str
    message: str
    reason: str


@dataclass(frozen=True)
class Acknowledged:
    """Its message was deleted."""

    moment: float
    message: str


Step = Queued | Worked | Published | DeadLettered | Acknowledged


@dataclass(frozen=True)
class Seen:
    """An outcome that came out, `number`ed in the order of coming; `repeated` where one with its id came before."""

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
