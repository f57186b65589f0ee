"""What can happen to a request. Moments are monotonic seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Queued:
    """A queue accepted its message, for the first time or put back."""

    moment: float
    queue: str
    message: str
    attempt: int


@dataclass(frozen=True)
class Worked:
    """The function logged that its work on it in one invocation is over."""

    moment: float
    function: str
    invocation: str
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """Its outcome was published."""

    moment: float
    event: Mapping[str, Any]


@dataclass(frozen=True)
class DeadLettered:
    """It came into the dead-letter queue."""

    moment: float
    queue: str
    message: str
    reason: str


@dataclass(frozen=True)
class Acknowledged:
    """Its message was deleted."""

    moment: float
    message: str


Happening = Queued | Worked | Published | DeadLettered | Acknowledged


@dataclass(frozen=True)
class Seen:
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
