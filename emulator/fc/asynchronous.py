"""Asynchronous calls: accepted at once, and tried until one try succeeds or they end (Function Compute, "Error handling")."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from emulator.clock import Clock

RETRIES = 3
PAUSES = (60.0, 120.0, 240.0)
"""Seconds before the tries that follow an error of the function; the documentation names their number alone."""
FIRST_THROTTLED = 0.5
LONGEST_THROTTLED = 5 * 3600.0
"""Seconds for which a call is tried that finds no instance free: 0.5 s after the first try, then twice as long each time."""


class Verdict(Enum):
    """What came of a try."""

    DONE = auto()
    FAILED = auto()
    THROTTLED = auto()
    HOPELESS = auto()


Try = Callable[[int], Awaitable[Verdict]]
"""Tries a call; it is told how often the function failed before."""


class AsyncCalls:
    """The calls that were accepted and are not finished. They do not outlive the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, once: Try) -> None:
        """Begin to try."""
        task = asyncio.get_running_loop().create_task(self._go_on(once))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Leave off."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_on(self, once: Try) -> None:
        failures = throttles = 0
        waited = 0.0
        while True:
            verdict = await once(failures)
            if verdict is Verdict.FAILED and failures < RETRIES:
                seconds = PAUSES[failures]
                failures += 1
            elif verdict is Verdict.THROTTLED and waited < LONGEST_THROTTLED:
                seconds = FIRST_THROTTLED * 2.0**throttles
                throttles, waited = throttles + 1, waited + seconds
            else:
                return
            await self._clock.sleep(seconds * self._clock.scale)
