"""Stalls of the local cloud's event loop, and the rates that its records show."""

import asyncio
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.local import LocalCloud
from emulator.pulse import Pulse, busiest_second
from emulator.records import Arrival, Event, Records, Stall
from tests.support.waiting import eventually

CREATE = "CreateOTAModule"


def arrivals(*moments: float) -> list[Event]:
    return [Arrival("iot", CREATE, "key", moment) for moment in moments]


@pytest.mark.parametrize(
    ("events", "most"),
    [
        (arrivals(0.5, 1.0, 1.25, 1.5, 3.0), 3),
        ([*arrivals(*[1.4] * 12), Stall(1.0, 1.4)], 12),
        ([*arrivals(*(2.0 + number / 100 for number in range(12))), Stall(1.0, 1.4)], 12),
        ([*arrivals(1.0), Arrival("iot", "B", "key", 1.1), Arrival("smq", CREATE, "key", 1.2)], 1),
    ],
    ids=["without its end", "a burst seen late", "calls after a stall", "of each operation and service"],
)
def test_the_busiest_second_is_any_second(events: list[Event], most: int) -> None:
    assert busiest_second(events)[CREATE] == most


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.03, 1)), max_size=3),
)
@example([number / 9 for number in range(30)], [(1.0, 0.4)])
def test_no_second_has_more_calls_than_came(came: list[float], stalls: list[tuple[float, float]]) -> None:
    """Though those that came during a stall are seen together at its end."""
    seen = []
    for moment in sorted(came):
        for began, seconds in sorted(stalls):
            if began <= moment < began + seconds:
                moment = began + seconds
        seen.append(moment)
    events = [*[Stall(began, began + seconds) for began, seconds in stalls], *arrivals(*seen)]
    assert busiest_second(events)[CREATE] <= busiest_second(arrivals(*came))[CREATE]


def test_a_stall_is_recorded(cloud: LocalCloud) -> None:
    def read_lengths() -> list[float]:
        events = cloud.call(lambda parts: list(parts.records.events))
        return [event.ended - event.began for event in events if isinstance(event, Stall)]

    cloud.call(lambda _parts: time.sleep(0.3))
    eventually(lambda: max(read_lengths(), default=0) >= 0.3, 5, "a record of it")


def test_a_loop_that_is_hardly_late_has_no_stall() -> None:
    now = 0.0
    records = Records(lambda: now)

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds + 0.015
        if now > 10:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Pulse(records, sleep=sleep).run())
    assert records.events == []
