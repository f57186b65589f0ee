"""Whether the local cloud itself keeps up: what reaches it while it stands still is seen only afterwards."""

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from emulator.records import Arrival, Event, Records, Stood

BEAT = 0.01
LATE = 0.02
"""Seconds that a beat may come late, and that what waited for it takes to be seen."""
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
            if ended - began > BEAT + LATE:
                self._records.add(Stood(began, ended))


def busiest_second(events: Iterable[Event]) -> Mapping[str, int]:
    """The most calls of each operation of the IoT API that came in any second, as far as can be told.

    A call that was seen just after the local cloud had stood still may have come at any moment of that. It counts where
    it came for certain: what came evenly spaced, and was seen at once, is no burst.
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
    """When a call that was seen at `moment` may have come."""
    for each in reversed(stood):
        if each.began <= moment <= each.ended + LATE:
            moment = each.began
    return moment


def _busiest(spans: list[tuple[float, float]]) -> int:
    """The most of these spans that lie within any second, its end not counted."""
    spans.sort()
    starts = [earliest for earliest, _ in spans]
    most = 0
    for first, start in enumerate(starts):
        end = start + WINDOW
        most = max(most, sum(latest < end for _, latest in spans[first : bisect_left(starts, end)]))
    return most
