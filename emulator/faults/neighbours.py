"""Others of the account, whose calls use up part of the quota."""

import asyncio
from collections.abc import Awaitable, Callable

from emulator.faults.injection import Faults

STEP = 0.02
"""Seconds between two looks at what they have called meanwhile."""


class Neighbours:
    """Makes the calls that rules of the kind `neighbour` speak of."""

    def __init__(
        self,
        faults: Faults,
        consume: Callable[[str, int], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._faults = faults
        self._consume = consume
        self._sleep = sleep
        self._owed: dict[str, float] = {}

    async def run(self) -> None:
        """Call until cancelled."""
        while True:
            await self._sleep(STEP)
            self.step(STEP)

    def step(self, seconds: float) -> None:
        """The calls of so many seconds; the fraction of one is kept for the next step."""
        active = self._faults.standing("neighbour")
        self._owed = {each.id: self._owed.get(each.id, 0.0) + each.rule.amount * seconds for each in active}
        for each in active:
            whole = int(self._owed[each.id])
            self._owed[each.id] -= whole
            if whole and each.rule.operation:
                each.fired += whole
                self._consume(each.rule.operation, whole)
