"""Makes the calls of others of the account, which use up part of the quota."""

import asyncio
from collections.abc import Callable

from emulator.faults.injection import Faults

STEP = 0.02
"""Seconds between two rounds of calls."""


async def call_as_neighbours(faults: Faults, consume: Callable[[str, int], None]) -> None:
    """Make the calls of the rules of the kind `neighbour` until cancelled, by `consume(operation, count)`."""
    owed: dict[str, float] = {}
    while True:
        await asyncio.sleep(STEP)
        rules = faults.standing("neighbour")
        owed = {active.id: owed.get(active.id, 0.0) + active.rule.amount * STEP for active in rules}
        for active in rules:
            calls = int(owed[active.id])
            owed[active.id] -= calls
            if calls and active.rule.operation:
                active.fired += calls
                consume(active.rule.operation, calls)
