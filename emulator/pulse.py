"""Records when the local cloud's event loop stalls: what arrives meanwhile is seen only afterwards."""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from emulator.records import Arrival, Event, Records, Stood

BEAT = 0.01
TOLERANCE = 0.02
"""A heartbeat that is this much late counts as a stall."""
BACKLOG = 0.02
"""Calls that are seen this soon after a stall may have arrived during it."""
WINDOW = 1.0


class Pulse:
    """Beats on the loop of the local cloud, and records when it did not: its process had no time."""

    def __init__(self, records: Records, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._records = records
        self._sleep = sleep

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            began = self._records.now()
            await self._sleep(BEAT)
            ended = self._records.now()
            if ended - began > BEAT + TOLERANCE:
                self._records.add(Stood(began, ended))


def busiest_second(events: Iterable[Event]) -> Mapping[str, int]:
    """Count the most calls of each operation of the IoT API in any second.

    Calls that arrive while the local cloud's event loop is stalled are stamped at the stall's end. Such a call counts towards
    a second only if its whole possible interval lies in it; else our own stall would look like the function's burst.
    """
    seen: defaultdict[str, list[float]] = defaultdict(list)
    stood = []
    for event in events:
        if isinstance(event, Stood):
            stood.append(event)
        elif isinstance(event, Arrival) and event.service == "iot":
            seen[event.operation].append(event.moment)
    return {
        operation: _busiest([(_earliest(each, stood), each) for each in moments]) for operation, moments in seen.items()
    }


def _earliest(moment: float, stood: Sequence[Stood]) -> float:
    """Return the earliest moment at which a call seen at `moment` may have arrived."""
    for each in reversed(stood):
        if each.began <= moment <= each.ended + BACKLOG:
            moment = each.began
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
