"""Everything that happened, in order: the evidence by which the invariants are checked."""

import time
from collections.abc import Callable
from dataclasses import dataclass

KEPT = 200_000


@dataclass(frozen=True)
class Arrival:
    """A call as it reached a service, before anything was done with it; `moment` in monotonic seconds."""

    service: str
    operation: str
    key: str
    moment: float


@dataclass(frozen=True)
class Spoiled:
    """A call that a fault answered in the service's place (`status`), or whose connection it ended or silenced (0).

    `reached` where it had its effect all the same.
    """

    service: str
    operation: str
    fault: str
    status: int
    reached: bool
    moment: float


@dataclass(frozen=True)
class Sent:
    """A message that a queue accepted."""

    queue: str
    id: str
    body: str
    moment: float


@dataclass(frozen=True)
class Deleted:
    """A message that its receiver deleted."""

    queue: str
    id: str
    moment: float


@dataclass(frozen=True)
class Published:
    """A message that a topic accepted."""

    topic: str
    body: str
    tag: str
    moment: float


@dataclass(frozen=True)
class Invoked:
    """A call of a function that has ended; `error` is X-Fc-Error-Type, or why the service refused it."""

    function: str
    request_id: str
    instance: str
    began: float
    ended: float
    error: str | None
    text: str


@dataclass(frozen=True)
class Stood:
    """The local cloud's event loop was stalled; what arrived meanwhile was seen only at the end."""

    began: float
    ended: float


Event = Arrival | Spoiled | Sent | Deleted | Published | Invoked | Stood


class Records:
    """Every event since the start, the oldest forgotten first."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.now = monotonic
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        if len(self.events) >= 2 * KEPT:
            del self.events[:KEPT]
        self.events.append(event)
