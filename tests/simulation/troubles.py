"""When what goes wrong: chance, rates while things fail, and times in which something is down or denied."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random
from typing import NamedTuple, TypeVar

from handler.http1 import Answer
from handler.iot import CREATE, LIST, UPDATE
from tests.simulation.account import GOOD, NONE, OTHER, OVERDUE
from tests.simulation.answers import DENIED, FORBIDDEN, IN_ARREARS
from tests.simulation.plan import Plan
from tests.support.scheduler import Scheduler

LONGEST_OUTAGE = 90.0
"""Seconds that the topic or the queues take nothing at a stretch."""

T = TypeVar("T")


class Chance:
    """A stream of random numbers for a key, so that what happens to one request does not depend on what happens to others.

    It is a tenth as costly to begin as `random.Random`: most are asked five times, and never again.
    """

    __slots__ = ("_state",)

    def __init__(self, *key: object) -> None:
        self._state = int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big")

    def random(self) -> float:
        # Knuth's MMIX generator; its upper bits are random enough.
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        return (self._state >> 11) / 2**53

    def uniform(self, least: float, most: float) -> float:
        return least + (most - least) * self.random()

    def randint(self, least: int, most: int) -> int:
        return least + int((most - least + 1) * self.random())

    def choice(self, values: Sequence[T]) -> T:
        return values[int(len(values) * self.random())]


class Window(NamedTuple):
    """A time."""

    begin: float = 0.0
    end: float = float("inf")

    def holds(self, now: float) -> bool:
        return self.begin <= now < self.end


class Denial(NamedTuple):
    """Calls of an operation, of an instance, or of both are refused for a time; None: of all."""

    window: Window
    answer: Answer
    action: str | None = None
    instance: str | None = None

    def meets(self, action: str, instance: str, now: float) -> bool:
        return self.action in (None, action) and self.instance in (None, instance) and self.window.holds(now)


@dataclass
class Troubles:
    """What goes wrong in a run of a plan. A test may add to the lists."""

    plan: Plan
    scheduler: Scheduler

    def __post_init__(self) -> None:
        plan, self._random = self.plan, Random(f"troubles {self.plan.seed}")
        self.denials = [Denial(Window(), IN_ARREARS, instance=OVERDUE), *self._drawn_denials()]
        if plan.forbidden:
            self.denials.append(Denial(Window(), FORBIDDEN, action=plan.forbidden))
        self.api_outages = [self._window(plan.outage * plan.faulty)] if plan.outage else []
        self.expiries = [self._random.uniform(0, plan.faulty) for _ in range(plan.expiries)]
        self.topic_outages = [self._window(LONGEST_OUTAGE) for _ in range(plan.topic_outages)]
        self.queue_outages = [self._window(LONGEST_OUTAGE) for _ in range(plan.queue_outages)]

    def _drawn_denials(self) -> Iterator[Denial]:
        choice = self._random.choice
        for _ in range(self.plan.denials):
            window = self._window(self.plan.faulty)
            yield Denial(
                window, choice(DENIED), choice((CREATE, LIST, UPDATE, None)), choice((GOOD, OTHER, NONE, None))
            )

    def _window(self, longest: float) -> Window:
        begin = self._random.uniform(0, self.plan.spread + 5)
        return Window(begin, min(begin + self._random.uniform(0.3, 1) * longest, self.plan.faulty))

    @property
    def now(self) -> bool:
        """Whether things may fail."""
        return self.scheduler.time < self.plan.faulty

    def strike(self, rate: float, chance: Random | Chance | None = None) -> bool:
        """Whether a trouble of that rate happens now."""
        return rate > 0 and self.now and (chance or self._random).random() < rate

    def during(self, outages: Sequence[Window]) -> bool:
        """Whether one of them lasts."""
        return any(window.holds(self.scheduler.time) for window in outages)

    def denial(self, action: str, instance: str) -> Answer | None:
        """How a call is refused that the deployment may not make."""
        time = self.scheduler.time
        return next((each.answer for each in self.denials if each.meets(action, instance, time)), None)

    def token(self) -> str:
        """A token of this moment, as an invocation gets it."""
        return f"token of {self.scheduler.time}"

    def has_expired(self, token: str) -> bool:
        """Whether all tokens of a token's moment have expired since."""
        issued = float(token.rpartition(" ")[2]) if self.expiries else 0.0
        return any(issued < moment <= self.scheduler.time for moment in self.expiries)
