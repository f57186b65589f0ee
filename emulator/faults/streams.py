"""Delivers the batches of event streams wrongly, as a plan says."""

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable

from emulator.faults.injection import Faults
from emulator.faults.plan import Rule, kinds
from emulator.fc.client import Called

Deliver = Callable[[bytes], Awaitable[Called]]


def deliver_wrongly(deliver: Deliver, faults: Faults, stream: str, draws: random.Random) -> Deliver:
    """Wrap `deliver`, which passes batches of the stream to a function, with the faults that rules inject."""

    async def call(event: bytes) -> Called:
        text = event.decode("utf-8", "replace")
        rules = [active.rule for active in faults.striking("stream", stream, kinds("stream", "batch"), text)]
        for rule in rules:
            event = _change_batch(event, rule, draws)
        first = asyncio.ensure_future(deliver(event))
        for rule in rules:
            if rule.kind == "overlap":
                await asyncio.wait({first}, timeout=rule.seconds)
                with contextlib.suppress(OSError):
                    await deliver(event)
        result = await first
        return Called(500) if any(rule.kind == "redeliver" for rule in rules) else result

    return call


def _change_batch(event: bytes, rule: Rule, draws: random.Random) -> bytes:
    elements = json.loads(event) if rule.kind in ("duplicate", "reorder") else None
    if not isinstance(elements, list):
        return event
    changed = elements * 2 if rule.kind == "duplicate" else elements
    draws.shuffle(changed)
    return json.dumps(changed, ensure_ascii=False).encode()
