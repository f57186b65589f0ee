"""Stalls of the local cloud's event loop, and the rates that its records show."""

import asyncio
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.cloud import Cloud, Options
from emulator.local import local_cloud
from emulator.pulse import Pulse, busiest_second
from emulator.records import Arrival, Event, Records, Stall
from tests.support.waiting import eventually

CREATE = "CreateOTAModule"


def arrivals(*moments: float) -> list[Event]:
    return [Arrival("iot", CREATE, "key", moment) for moment in moments]


def count_most(events: Sequence[Event]) -> int:
    return busiest_second(events)[CREATE]


def find_stalls(cloud: Cloud) -> list[Stall]:
    return [event for event in cloud.records.events if isinstance(event, Stall)]


@pytest.mark.parametrize(
    ("events", "most"),
    [
        # Calls a whole second apart are not within one second.
        (arrivals(0.5, 1.0, 1.25, 1.5, 3.0), 3),
        # A burst is one whether or not it was seen late.
        ([*arrivals(*[1.4] * 12), Stall(1.0, 1.4)], 12),
        # A stall excuses no call that was seen after it.
        ([*arrivals(*(2.0 + number / 100 for number in range(12))), Stall(1.0, 1.4)], 12),
        ([*arrivals(1.0), Arrival("iot", "B", "key", 1.1), Arrival("smq", CREATE, "key", 1.2)], 1),
    ],
    ids=["any second", "burst", "after the stall", "other operations and services"],
)
def test_the_busiest_second_is_any_second(events: list[Event], most: int) -> None:
    assert busiest_second(events)[CREATE] == most


def test_calls_seen_late_count_where_they_certainly_came() -> None:
    """Nine calls a second, evenly; during a stall of 0.4 s four calls wait, and are seen together."""
    even = [number / 9 for number in range(30)]
    seen = [1.4 if 1.0 < moment < 1.4 else moment for moment in even]
    assert count_most(arrivals(*seen)) > 10
    assert count_most([*arrivals(*seen), Stall(1.0, 1.4)]) <= 10


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.03, 1)), max_size=3),
)
def test_no_second_is_said_to_have_more_calls_than_came(came: list[float], stood: list[tuple[float, float]]) -> None:
    events: list[Event] = [Stall(began, began + seconds) for began, seconds in stood]
    seen = []
    for moment in sorted(came):
        for began, seconds in sorted(stood):
            if began <= moment < began + seconds:
                moment = began + seconds
        seen.append(moment)
    assert count_most([*events, *arrivals(*seen)]) <= count_most(arrivals(*came))


def test_a_stall_is_recorded() -> None:
    with local_cloud(Options(port=0)) as cloud:
        cloud.call(lambda _parts: time.sleep(0.3))
        eventually(
            lambda: any(stall.ended - stall.began >= 0.3 for stall in cloud.call(find_stalls)), 5, "a record of it"
        )


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
