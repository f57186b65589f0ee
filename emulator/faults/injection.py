"""Which rules apply to a call: counts, draws and times of the plan in force."""

import asyncio
import random
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.faults.plan import Plan, Rule, Service


@dataclass
class Active:
    """A rule in force: how many calls it matched, and how often it struck."""

    id: str
    rule: Rule
    since: float
    draws: random.Random
    seen: int = 0
    fired: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the rule is no longer in force."""

    def strikes(self, operation: str, text: str, now: float) -> bool:
        """Whether the rule strikes a call; counts it."""
        if not self.rule.holds(now - self.since) or not self.rule.matches(operation, text):
            return False
        self.seen += 1
        if self.seen < self.rule.nth or (self.rule.times is not None and self.fired >= self.rule.times):
            return False
        if self.draws.random() >= self.rule.probability:
            return False
        self.fired += 1
        return True

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, **self.rule.model_dump(exclude_defaults=True), "seen": self.seen, "fired": self.fired}


class Faults:
    """The plan in force. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.plan = Plan()
        self._monotonic = monotonic
        self._active: list[Active] = []
        self._numbers = 0

    def __iter__(self) -> Iterator[Active]:
        return iter(tuple(self._active))

    def set(self, plan: Plan) -> None:
        """Put a plan in force, in place of the one before."""
        self.clear()
        self._numbers = 0
        for rule in plan.rules:
            self._start(rule, plan.seed)
        self.plan = plan

    def add(self, rule: Rule) -> Active:
        """Put one more rule in force."""
        active = self._start(rule, self.plan.seed)
        self.plan = self.plan.model_copy(update={"rules": (*self.plan.rules, rule)})
        return active

    def clear(self, name: str | None = None) -> bool:
        """Let everything go right again, or all but one rule stay; whether there was anything to end."""
        ended = [each for each in self._active if name in (None, each.id)]
        self._active = [each for each in self._active if each not in ended]
        self.plan = self.plan.model_copy(update={"rules": tuple(each.rule for each in self._active)})
        for active in ended:
            active.over.set()
        return bool(ended)

    def striking(self, service: Service, operation: str, kinds: Container[str], text: str = "") -> list[Active]:
        """The rules of these kinds that strike a call now; counts it for each."""
        now = self._monotonic()
        known = [active for active in self._active if active.rule.service == service and active.rule.kind in kinds]
        return [active for active in known if active.strikes(operation, text, now)]

    def standing(self, kind: str) -> list[Active]:
        """The rules of a kind that hold now, whether somebody calls or not."""
        now = self._monotonic()
        return [each for each in self._active if each.rule.kind == kind and each.rule.holds(now - each.since)]

    def shift(self, service: Service) -> float:
        """Seconds that a service's clock is ahead."""
        found = [each for each in self.standing("clock") if each.rule.service == service]
        for each in found:
            each.fired += 1
        return sum(each.rule.amount for each in found)

    def _start(self, rule: Rule, seed: int) -> Active:
        self._numbers += 1
        # Each rule draws from a source of its own: a rule taken out of a plan changes no other's draws.
        active = Active(str(self._numbers), rule, self._monotonic(), random.Random(f"{seed} {rule!r}"))
        self._active.append(active)
        return active
