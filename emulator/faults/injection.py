"""Decides which rules of the plan in force apply to a call: counts, draws and times."""

import asyncio
import random
import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.faults.plan import Plan, Rule, Service


@dataclass
class Active:
    """A rule in force, with the numbers of calls that it matched and that it struck."""

    id: str
    rule: Rule
    since: float
    draws: random.Random
    seen: int = 0
    fired: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the rule is no longer in force."""

    def strikes(self, operation: str, text: str, now: float) -> bool:
        """Decide whether the rule strikes a call, and count it."""
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
        """Replace the plan in force."""
        self.clear()
        self._numbers = 0
        for rule in plan.rules:
            self._start(rule, plan.seed)
        self.plan = plan

    def add(self, rule: Rule) -> Active:
        """Add a rule to the plan in force."""
        active = self._start(rule, self.plan.seed)
        self.plan = self.plan.model_copy(update={"rules": (*self.plan.rules, rule)})
        return active

    def clear(self, name: str | None = None) -> bool:
        """End all rules, or the one with this id; return whether there was any."""
        ended = [active for active in self._active if name in (None, active.id)]
        self._active = [active for active in self._active if active not in ended]
        self.plan = self.plan.model_copy(update={"rules": tuple(active.rule for active in self._active)})
        for active in ended:
            active.over.set()
        return bool(ended)

    def striking(self, service: Service, operation: str, kinds: Container[str], text: str = "") -> list[Active]:
        """Return the rules of these kinds that strike a call now, and count the call for each."""
        now = self._monotonic()
        known = [active for active in self._active if active.rule.service == service and active.rule.kind in kinds]
        return [active for active in known if active.strikes(operation, text, now)]

    def standing(self, kind: str) -> list[Active]:
        """Return the rules of a kind that are in force now, whether or not there are calls."""
        now = self._monotonic()
        return [active for active in self._active if active.rule.kind == kind and active.rule.holds(now - active.since)]

    def clock_ahead(self) -> float:
        """Return the seconds that the clock of the IoT API is ahead."""
        rules = self.standing("clock")
        for active in rules:
            active.fired += 1
        return sum(active.rule.amount for active in rules)

    def _start(self, rule: Rule, seed: int) -> Active:
        self._numbers += 1
        # Each rule draws from a source of its own: removing a rule from a plan changes no other's draws.
        active = Active(str(self._numbers), rule, self._monotonic(), random.Random(f"{seed} {rule!r}"))
        self._active.append(active)
        return active
