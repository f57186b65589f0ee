"""Whether the local cloud kept up, and what its records tell where it did not."""

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


def most(events: Sequence[Event]) -> int:
    return busiest_second(events)[CREATE]


def find_stalls(cloud: Cloud) -> list[Stall]:
    return [event for event in cloud.records.events if isinstance(event, Stall)]


def test_a_second_is_any_second() -> None:
    assert most(arrivals(0.5, 1.0, 1.25, 1.5, 3.0)) == 3


def test_operations_are_counted_apart_and_other_services_are_not() -> None:
    events = [Arrival("iot", "A", "key", 1.0), Arrival("iot", "B", "key", 1.1), Arrival("smq", "A", "key", 1.2)]
    assert busiest_second(events) == {"A": 1, "B": 1}


def test_what_was_seen_late_counts_where_it_came_for_certain() -> None:
    """Nine calls a second, evenly; during a stall of 0.4 s four calls wait, and are seen together."""
    even = [number / 9 for number in range(30)]
    seen = [1.4 if 1.0 < moment < 1.4 else moment for moment in even]
    assert most(arrivals(*seen)) > 10
    assert most([*arrivals(*seen), Stall(1.0, 1.4)]) <= 10


def test_a_burst_is_one_whether_or_not_it_was_seen_late() -> None:
    assert most([*arrivals(*(1.4 for _ in range(12))), Stall(1.0, 1.4)]) == 12


def test_a_stand_still_excuses_nothing_that_came_after_it() -> None:
    assert most([*arrivals(*(2.0 + number / 100 for number in range(12))), Stall(1.0, 1.4)]) == 12


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.03, 1)), max_size=3),
)
def test_never_more_are_told_than_came(came: list[float], stood: list[tuple[float, float]]) -> None:
    events: list[Event] = [Stall(began, began + seconds) for began, seconds in stood]
    seen = []
    for moment in sorted(came):
        for began, seconds in sorted(stood):
            if began <= moment < began + seconds:
                moment = began + seconds
        seen.append(moment)
    assert most([*events, *arrivals(*seen)]) <= most(arrivals(*came))


def test_a_loop_that_stood_still_is_recorded() -> None:
    with local_cloud(Options(port=0)) as cloud:
        cloud.call(lambda _parts: time.sleep(0.3))
        eventually(lambda: any(each.ended - each.began >= 0.3 for each in cloud.call(find_stalls)), 5, "a record of it")


def test_a_loop_that_keeps_up_has_nothing_to_record() -> None:
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
