"""Function calls that are recorded, struck down and delivered amiss, as a plan says."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from emulator.faults import Rule
from emulator.fc import FcError, FunctionCompute, Invocation
from emulator.injection import Faults
from emulator.records import Invoked, Records
from emulator.workers import Workers


class Result(Protocol):
    """What a stream is told of a call."""

    @property
    def status(self) -> int: ...
    @property
    def error_type(self) -> str | None: ...


R = TypeVar("R", bound=Result)


class FaultyFunctions(FunctionCompute):
    """Function Compute whose calls are recorded, and struck while they run."""

    records: Records
    faults: Faults
    workers: Workers

    def watch(self, records: Records, faults: Faults, workers: Workers) -> None:
        self.records, self.faults, self.workers = records, faults, workers

    async def invoke(self, name: str, payload: bytes, **how: Any) -> Invocation:  # noqa: ANN401 - as it is there
        began = self.records.now()
        for active in self.faults.striking("fc", name, payload.decode("utf-8", "replace")):
            if active.rule.kind in ("kill", "pause"):
                self.workers.strike(active.rule)
        try:
            result = await super().invoke(name, payload, **how)
        except FcError as error:
            self._record(name, "", "", began, error.code, error.text)
            raise
        failed = result.body.decode("utf-8", "replace")[:2_000] if result.error_type else ""
        self._record(name, result.request_id, result.instance, began, result.error_type, failed)
        return result

    def _record(self, name: str, request_id: str, instance: str, began: float, error: str | None, text: str) -> None:
        self.records.add(Invoked(name, request_id, instance, began, self.records.now(), error, text))


def faulty(
    deliver: Callable[[bytes], Awaitable[R]], failed: R, faults: Faults, stream: str, draws: random.Random
) -> Callable[[bytes], Awaitable[R]]:
    """A stream's way to its function, with its deliveries amiss; `failed` is what it hears of a call that must come again."""

    async def call(event: bytes) -> R:
        rules = [each.rule for each in faults.striking("stream", stream, event.decode("utf-8", "replace"))]
        for rule in rules:
            event = _changed(event, rule, draws)
        first = asyncio.ensure_future(deliver(event))
        for rule in rules:
            if rule.kind == "overlap":
                await asyncio.wait({first}, timeout=rule.seconds)
                await deliver(event)
        result = await first
        return failed if any(rule.kind == "redeliver" for rule in rules) else result

    return call


def _changed(event: bytes, rule: Rule, draws: random.Random) -> bytes:
    if rule.kind not in ("duplicate", "reorder"):
        return event
    elements: Sequence[object] = json.loads(event)
    if not isinstance(elements, list):
        return event
    changed = elements * 2 if rule.kind == "duplicate" else list(elements)
    draws.shuffle(changed)
    return json.dumps(changed, ensure_ascii=False).encode()
