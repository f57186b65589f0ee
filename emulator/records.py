"""Records of events in their order, by which the invariants are checked."""

import time
from collections.abc import Callable
from dataclasses import dataclass

KEPT = 200_000


@dataclass(frozen=True)
class Arrival:
    """A call that reached a service, before it was processed; `moment` in monotonic seconds."""

    service: str
    operation: str
    key: str
    moment: float


@dataclass(frozen=True)
class Faulted:
    """A call that a fault answered in the service's place (`status`), or whose connection it ended or silenced (0).

    `reached` if it had its effect all the same.
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
    """A call of a function that has ended; `error` is X-Fc-Error-Type, or the reason for which the service refused it."""

    function: str
    request_id: str
    instance: str
    began: float
    ended: float
    error: str | None
    text: str


@dataclass(frozen=True)
class Stall:
    """A time in which the local cloud's event loop was stalled; calls that arrived in it were seen only at its end."""

    began: float
    ended: float


Event = Arrival | Faulted | Sent | Deleted | Published | Invoked | Stall


class Records:
    """The latest events, at least `KEPT` of them."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.now = monotonic
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        if len(self.events) >= 2 * KEPT:
            del self.events[:KEPT]
        self.events.append(event)
