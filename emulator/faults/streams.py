"""Batches of event streams that are delivered amiss, as a plan says."""

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from emulator.faults.injection import Faults
from emulator.faults.plan import Rule, kinds


class Result(Protocol):
    """What a stream is told of a call."""

    @property
    def status(self) -> int: ...
    @property
    def error_type(self) -> str | None: ...


R = TypeVar("R", bound=Result)


def faulty(
    deliver: Callable[[bytes], Awaitable[R]], failed: R, faults: Faults, stream: str, draws: random.Random
) -> Callable[[bytes], Awaitable[R]]:
    """A stream's way to its function, with its deliveries amiss; `failed` is what it hears of a call that must come again."""

    async def call(event: bytes) -> R:
        rules = [
            each.rule
            for each in faults.striking("stream", stream, kinds("stream", "batch"), event.decode("utf-8", "replace"))
        ]
        for rule in rules:
            event = _changed(event, rule, draws)
        first = asyncio.ensure_future(deliver(event))
        for rule in rules:
            if rule.kind == "overlap":
                await asyncio.wait({first}, timeout=rule.seconds)
                with contextlib.suppress(OSError):
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
