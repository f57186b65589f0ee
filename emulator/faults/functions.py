"""Strikes the processes of functions: rules of the service `fc` that kill or pause."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emulator.faults.injection import Faults
from emulator.faults.plan import kinds
from emulator.faults.processes import Workers
from emulator.fc.runtime.steps import Step


class StruckTries:
    """Counts each try of a function, retries of asynchronous calls included, and kills or pauses as rules say."""

    def __init__(self, faults: Faults, workers: Workers) -> None:
        self._faults = faults
        self._workers = workers

    @contextmanager
    def __call__(self, function: str, event: bytes) -> Iterator[Sequence[Step]]:
        """Strike a try before and after it runs; gives the steps at which it is to be killed."""
        rules = [
            active.rule for active in self._faults.striking("fc", function, kinds("fc", "process"), _readable(event))
        ]
        self._workers.strike(*(rule for rule in rules if not rule.step and not rule.after))
        try:
            yield [rule.step for rule in rules if rule.step]
        finally:
            self._workers.strike(*(rule for rule in rules if rule.after))


def _readable(event: bytes) -> str:
    """The event, and the body of an HTTP request once more without its escapes."""
    text = event.decode("utf-8", "replace")
    try:
        body = json.loads(text)["body"]
    except (ValueError, TypeError, KeyError):
        return text
    return f"{text}\n{body}"
