"""Asynchronous calls: accepted at once, and tried until one try succeeds or the retries end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from emulator.clock import Clock

RETRIES = 3
PAUSES = (60.0, 120.0, 240.0)
"""Seconds before the retries of a call that failed; "Error handling" in the documentation names only how many."""
FIRST_THROTTLED = 0.5
LONGEST_THROTTLED = 5 * 3600.0
"""Seconds for which a call is tried that finds no instance free: 0.5 s after the first try, then twice as long."""

Verdict = Literal["done", "failed", "throttled", "refused"]
Try = Callable[[int], Awaitable[Verdict]]
"""Tries a call, given how often the function failed before."""


class AsyncCalls:
    """The calls that are not finished. They do not outlive the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, once: Try) -> None:
        """Begin to try a call."""
        task = asyncio.get_running_loop().create_task(self._retry(once))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel all calls."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _retry(self, once: Try) -> None:
        failures = throttles = 0
        waited = 0.0
        while True:
            verdict = await once(failures)
            if verdict == "failed" and failures < RETRIES:
                seconds = PAUSES[failures]
                failures += 1
            elif verdict == "throttled" and waited < LONGEST_THROTTLED:
                seconds = FIRST_THROTTLED * 2.0**throttles
                throttles, waited = throttles + 1, waited + seconds
            else:
                return
            await self._clock.sleep(seconds * self._clock.scale)
