"""Records stalls of the local cloud's event loop: calls that arrive meanwhile are seen only afterwards."""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from emulator.records import Arrival, Event, Records, Stall

BEAT = 0.01
TOLERANCE = 0.02
"""A heartbeat that is this much late counts as a stall."""
BACKLOG = 0.02
"""Calls that are seen this soon after a stall may have arrived during it."""
WINDOW = 1.0


class Pulse:
    """Sleeps again and again for `BEAT` seconds, and records a stall whenever it wakes late."""

    def __init__(self, records: Records, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._records = records
        self._sleep = sleep

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            began = self._records.now()
            await self._sleep(BEAT)
            ended = self._records.now()
            if ended - began > BEAT + TOLERANCE:
                self._records.add(Stall(began, ended))


def busiest_second(events: Iterable[Event]) -> Mapping[str, int]:
    """Count, for each operation of the IoT API, the most calls in any second.

    Calls that arrive while the local cloud's event loop is stalled are stamped at the stall's end. Such a call counts towards
    a second only if its whole possible interval lies in it; else our own stall would look like the function's burst.
    """
    spans: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    events = list(events)
    stalls = [event for event in events if isinstance(event, Stall)]
    for event in events:
        if isinstance(event, Arrival) and event.service == "iot":
            spans[event.operation].append((_earliest(event.moment, stalls), event.moment))
    return {operation: _busiest(items) for operation, items in spans.items()}


def _earliest(moment: float, stalls: Sequence[Stall]) -> float:
    """Return the earliest moment at which a call seen at `moment` may have arrived."""
    for stall in reversed(stalls):
        if stall.began <= moment <= stall.ended + BACKLOG:
            moment = stall.began
    return moment


def _busiest(spans: list[tuple[float, float]]) -> int:
    """Count the most spans that lie within any second, its end excluded."""
    spans.sort()
    starts = [earliest for earliest, _ in spans]
    most = 0
    for first, start in enumerate(starts):
        end = start + WINDOW
        most = max(most, sum(latest < end for _, latest in spans[first : bisect_left(starts, end)]))
    return most
