"""The processes of functions that are at work: killed, or paused and resumed, when a plan says so."""

import asyncio
import random
import signal
from collections.abc import Callable, Sequence
from typing import Protocol

from emulator.faults.plan import Rule

LOOK_AGAIN = 0.002
PATIENCE = 2.0
"""Seconds for which something that works is waited for."""


class Working(Protocol):
    """An instance of a function, as far as faults are concerned."""

    @property
    def state(self) -> str: ...

    def signal(self, number: signal.Signals) -> None: ...


class Workers:
    """Finds what is at work when a rule strikes, and sends it signals. `instances` tells who is there now."""

    def __init__(self, instances: Callable[[], Sequence[Working]], seed: int = 0) -> None:
        self._instances = instances
        self._random = random.Random(seed)

    def strike(self, *rules: Rule) -> None:
        """Kill or pause every instance that is at work, now or within `rule.within` seconds."""
        for rule in rules:
            asyncio.get_running_loop().call_later(rule.within * self._random.random(), self._signal, rule)

    def _signal(self, rule: Rule, left: float = PATIENCE) -> None:
        working = [each for each in self._instances() if each.state == "busy"]
        if not working and left > 0:
            asyncio.get_running_loop().call_later(LOOK_AGAIN, self._signal, rule, left - LOOK_AGAIN)
        for each in working:
            each.signal(signal.SIGKILL if rule.kind == "kill" else signal.SIGSTOP)
            if rule.kind == "pause":
                asyncio.get_running_loop().call_later(rule.seconds, each.signal, signal.SIGCONT)
