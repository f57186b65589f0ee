"""Kills the processes of functions, or pauses and resumes them, when a plan says so."""

import asyncio
import json
import random
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from emulator.faults.injection import Faults
from emulator.faults.plan import Rule, kinds
from emulator.fc.instances import Instance
from emulator.fc.runtime.steps import Step

LOOK_AGAIN = 0.002
PATIENCE = 2.0
"""Seconds to wait for an instance to become busy."""


class Processes:
    """Kills, pauses and resumes the busy instances."""

    def __init__(self, faults: Faults, instances: Callable[[], Sequence[Instance]], seed: int = 0) -> None:
        self._faults = faults
        self._instances = instances
        self._random = random.Random(seed)

    @contextmanager
    def around_try(self, function: str, event: bytes) -> Iterator[Sequence[Step]]:
        """Strike a try of a function before and after it runs; yield the steps at which it is to be killed.

        Retries of asynchronous calls never pass the HTTP edge, so rules of the service fc for processes are counted here.
        """
        struck = self._faults.striking("fc", function, kinds("fc", "process"), _decode_event(event))
        rules = [active.rule for active in struck]
        self.strike(rule for rule in rules if not rule.step and not rule.after)
        try:
            yield [rule.step for rule in rules if rule.step]
        finally:
            self.strike(rule for rule in rules if rule.after)

    def strike(self, rules: Iterable[Rule]) -> None:
        """Kill or pause every busy instance, now or within `rule.within` seconds."""
        for rule in rules:
            asyncio.get_running_loop().call_later(rule.within * self._random.random(), self._signal, rule)

    def _signal(self, rule: Rule, left: float = PATIENCE) -> None:
        loop = asyncio.get_running_loop()
        busy = [instance for instance in self._instances() if instance.state == "busy"]
        if not busy and left > 0:
            loop.call_later(LOOK_AGAIN, self._signal, rule, left - LOOK_AGAIN)
        for instance in busy:
            instance.signal(signal.SIGKILL if rule.kind == "kill" else signal.SIGSTOP)
            if rule.kind == "pause":
                loop.call_later(rule.seconds, instance.signal, signal.SIGCONT)


def _decode_event(event: bytes) -> str:
    """Decode an event; the body of an HTTP request follows once more, without its JSON escapes."""
    text = event.decode("utf-8", "replace")
    try:
        body = json.loads(text)["body"]
    except (ValueError, TypeError, KeyError):
        return text
    return f"{text}\n{body}"
