"""When what goes wrong: rates while things fail, and times in which something is down or denied."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from handler.http1 import Answer
from handler.iot import CREATE, LIST, UPDATE
from tests.simulation.answers import DENIED, FORBIDDEN, IN_ARREARS
from tests.simulation.luck import Chance
from tests.simulation.modules import GOOD, NONE, OTHER, OVERDUE
from tests.simulation.plan import Plan
from tests.support.scheduler import Scheduler

EVER = float("inf")
LONGEST_OUTAGE = 90.0
"""Seconds that the topic or the queues take nothing at a stretch."""
_OPERATIONS = (CREATE, LIST, UPDATE, None)
_INSTANCES = (GOOD, OTHER, NONE, None)


@dataclass(frozen=True)
class Window:
    """A time."""

    begin: float = 0.0
    end: float = EVER

    def holds(self, now: float) -> bool:
        return self.begin <= now < self.end


@dataclass(frozen=True)
class Denial:
    """Calls of an operation, of an instance, or of both are refused for a time; None: of all."""

    window: Window
    answer: Answer
    action: str | None = None
    instance: str | None = None

    def meets(self, action: str, instance: str, now: float) -> bool:
        return self.action in (None, action) and self.instance in (None, instance) and self.window.holds(now)


class Troubles:
    """What goes wrong in a run of a plan."""

    def __init__(self, plan: Plan, scheduler: Scheduler) -> None:
        self._plan = plan
        self._scheduler = scheduler
        self._random = Random(f"troubles {plan.seed}")
        self._denials = [Denial(Window(), IN_ARREARS, instance=OVERDUE), *self._drawn_denials()]
        if plan.forbidden:
            self._denials.append(Denial(Window(), FORBIDDEN, action=plan.forbidden))
        self._outage = self._window(plan.outage * plan.faulty)
        self._expiries = [self._random.uniform(0, plan.faulty) for _ in range(plan.expiries)]
        self._topic = [self._window(LONGEST_OUTAGE) for _ in range(plan.topic_outages)]
        self._queues = [self._window(LONGEST_OUTAGE) for _ in range(plan.queue_outages)]

    @property
    def now(self) -> bool:
        """Whether things may fail."""
        return self._scheduler.time < self._plan.faulty

    def strike(self, rate: float, chance: Random | Chance | None = None) -> bool:
        """Whether a trouble of that rate happens now."""
        return rate > 0 and self.now and (chance or self._random).random() < rate

    def denial(self, action: str, instance: str) -> Answer | None:
        """How a call is refused that the deployment may not make."""
        time = self._scheduler.time
        return next((each.answer for each in self._denials if each.meets(action, instance, time)), None)

    def token(self) -> str:
        """A token of this moment, as an invocation gets it."""
        return f"token of {self._scheduler.time}"

    def has_expired(self, token: str) -> bool:
        """Whether all tokens of a token's moment have expired since."""
        issued = float(token.rpartition(" ")[2]) if self._expiries else 0.0
        return any(issued < moment <= self._scheduler.time for moment in self._expiries)

    @property
    def api_is_down(self) -> bool:
        return self._outage.holds(self._scheduler.time)

    @property
    def topic_is_down(self) -> bool:
        return any(window.holds(self._scheduler.time) for window in self._topic)

    @property
    def queues_are_down(self) -> bool:
        return any(window.holds(self._scheduler.time) for window in self._queues)

    def deny(self, denial: Denial) -> None:
        self._denials.append(denial)

    def close_topic(self, window: Window) -> None:
        self._topic.append(window)

    def close_queues(self, window: Window) -> None:
        self._queues.append(window)

    def expire_tokens(self, moment: float) -> None:
        self._expiries.append(moment)

    def break_api(self, window: Window) -> None:
        self._outage = window

    def _window(self, longest: float) -> Window:
        if not longest:
            return Window(0.0, 0.0)
        begin = self._random.uniform(0, self._plan.spread + 5)
        return Window(begin, min(begin + self._random.uniform(0.3, 1) * longest, self._plan.faulty))

    def _drawn_denials(self) -> Iterator[Denial]:
        for _ in range(self._plan.denials):
            chance = self._random
            yield Denial(
                self._window(self._plan.faulty),
                chance.choice(DENIED),
                chance.choice(_OPERATIONS),
                chance.choice(_INSTANCES),
            )
