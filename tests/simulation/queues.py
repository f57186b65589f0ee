"""The request queue: at least once, in no order that can be relied upon."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.messages import Message
from tests.simulation.plan import Plan
from tests.simulation.troubles import Troubles
from tests.support.scheduler import Scheduler

MOST_COPIES = 5
"""Times that it holds what was sent, at most, by repeating it: each copy that goes back may be repeated once more."""


@dataclass
class Queue:
    """What is received comes again unless it is deleted in time."""

    plan: Plan
    scheduler: Scheduler
    troubles: Troubles
    _due: list[tuple[float, int, Message]] = field(default_factory=list)
    _kept: dict[str, Message] = field(default_factory=dict)
    _count: int = 0
    _expected: int = 0

    def __post_init__(self) -> None:
        self.random = Random(f"queue {self.plan.seed}")

    def expect(self, at: float, make: Callable[[], Message]) -> None:
        """A message will be sent at a time; until then the queue is not empty."""

        def send() -> None:
            self._expected -= 1
            self.send(make())

        self._expected += 1
        self.scheduler.at(at, send)

    def send(self, message: Message, delay: float = 0.0) -> None:
        self._kept[message.id] = message
        self._appear(message, delay + self.random.uniform(0, 1))

    def receive(self, most: int) -> list[Message]:
        """What is visible; hidden then for the visibility timeout, unless it is delivered twice."""
        received: dict[str, Message] = {}
        while self._due and self._due[0][0] <= self.scheduler.time and len(received) < most:
            _, _, message = heapq.heappop(self._due)
            if message.id in self._kept and message.id not in received:
                received[message.id] = message
                self._appear(message, self.random.uniform(0, 5) if self._repeats() else self._visibility)
        return list(received.values())

    def delete(self, message: Message) -> None:
        if not self._repeats():
            self._kept.pop(message.id, None)

    def holds(self, number: int) -> bool:
        """Whether a request is in it, received or not."""
        return any(entry.number == number for message in self._kept.values() for entry in message.entries)

    @property
    def empty(self) -> bool:
        return not self._kept and not self._expected

    @property
    def next_due(self) -> float:
        """When something may be visible next."""
        return self._due[0][0] if self._due else float("inf")

    @property
    def _visibility(self) -> float:
        """While things fail, it may be too short for what a delivery takes."""
        return self.plan.visibility if self.troubles.now else max(self.plan.visibility, self.plan.timeout + 1)

    def _repeats(self) -> bool:
        if not self.troubles.strike(self.plan.repeats, self.random):
            return False
        return sum(len(message.entries) for message in self._kept.values()) <= MOST_COPIES * self.plan.requests

    def _appear(self, message: Message, delay: float) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.scheduler.time + delay, self._count, message))
