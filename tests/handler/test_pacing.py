"""The quota inside one process, in virtual time."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.errors import OutOfTime
from handler.pacing import CATCH_UP, EARLY, SLOWEST, catch_up
from tests.support.departures import CALL, NEVER, Caller, excess, make_caller
from tests.support.scheduler import Task

RATES = st.sampled_from([9.0, 9 / 4, 0.5, 1.0, 10.0]) | st.floats(0.2, 50)
MOMENTS = st.lists(st.floats(0, 5), min_size=1, max_size=40)
SEEDS = st.integers(0, 1000)


@given(RATES, MOMENTS, SEEDS)
def test_calls_leave_in_their_order_and_as_soon_as_the_quota_lets_them(
    rate: float, moments: list[float], seed: int
) -> None:
    """Without late wake-ups no window W holds more than 1 + floor(W * rate) calls, whatever the arrivals, and
    the n-th leaves when the ideal schedule lets it."""
    caller = make_caller(rate, seed)
    caller.arrive(*moments)
    caller.time.run()
    assert excess(caller.left, rate, tau=0) <= 0
    assert [moments[name] for name in caller.names] == sorted(moments)
    ideal = -NEVER
    for came, left in zip(sorted(moments), caller.left, strict=True):
        ideal = max(came, ideal + 1 / rate)
        assert left <= ideal + 1e-3


class Mishap(NamedTuple):
    """Something that happens to the process at a moment."""

    kind: str
    moment: float
    amount: float


KINDS = st.sampled_from(["stall", "jump", "freeze", "cancel", "throttle"])
MISHAPS = st.lists(st.builds(Mishap, KINDS, st.floats(0, 8), st.floats(0, 3) | st.just(600.0)), max_size=8)


def befall(caller: Caller, tasks: list[Task], mishap: Mishap) -> None:
    time, amount = caller.time, mishap.amount
    effects = {
        "stall": lambda: time.stall(amount),
        "jump": lambda: time.jump(amount),
        "freeze": lambda: time.freeze(min(amount, 3)),
        "cancel": lambda: time.cancel(tasks[int(amount * 7) % len(tasks)]),
        "throttle": lambda: caller.pacer.throttled(CALL, amount),
    }
    time.spawn(effects[mishap.kind], at=mishap.moment)


@settings(max_examples=200)
@given(RATES, MOMENTS, MISHAPS, SEEDS, st.floats(0, 0.3))
def test_no_mishap_lets_more_leave_than_the_quota(
    rate: float, moments: list[float], mishaps: list[Mishap], seed: int, lateness: float
) -> None:
    """Stalls, clocks that jump or stand still, cancellations, throttles and late wake-ups never lead to a burst."""
    caller = make_caller(rate, seed, lateness)
    tasks = caller.arrive(*moments)
    for mishap in mishaps:
        befall(caller, tasks, mishap)
    caller.time.run()
    # A clock that jumps ahead says that time has passed: each jump can cost one call, and not one more.
    jumps = sum(mishap.kind == "jump" for mishap in mishaps)
    frozen = any(mishap.kind == "freeze" for mishap in mishaps)
    assert excess(caller.left, rate, catch_up(rate)) <= jumps
    assert frozen or excess(caller.shown, rate, catch_up(rate)) <= 0
    assert len(caller.left) + sum(task.interruption is not None for task in tasks) >= len(moments)


def test_calls_whose_slots_passed_in_a_stall_do_not_leave_at_once() -> None:
    """After ten minutes frozen, 45 waiting calls go on leaving one at a time."""
    caller = make_caller(9)
    caller.arrive(*[0.0] * 45)
    caller.time.spawn(lambda: caller.time.stall(600), at=1.05)
    caller.time.run()
    after = [moment for moment in caller.left if moment > 500]
    assert len(after) == 45 - 10
    assert all(later - earlier >= 0.75 / 9 - EARLY for earlier, later in pairwise(after))


def test_a_clock_that_goes_back_stops_nobody() -> None:
    """An hour back costs one slot at most, not an hour."""
    caller = make_caller(9)
    caller.arrive(*[0.0] * 20)
    caller.time.spawn(lambda: caller.time.jump(-3600), at=1)
    caller.time.run()
    assert caller.left[-1] <= 19 / 9 + 2 / 9
    assert excess(caller.left, 9, CATCH_UP / 9) <= 0


@given(st.integers(0, 9), SEEDS)
def test_a_slot_that_is_given_back_is_used(cancelled: int, seed: int) -> None:
    caller = make_caller(9, seed)
    tasks = caller.arrive(*[0.0] * 11)
    caller.time.run(until=0.01)
    waiting = [task for task in tasks if not task.done]
    caller.time.cancel(waiting[cancelled])
    caller.time.run()
    assert caller.left == pytest.approx([slot / 9 for slot in range(10)])


def test_a_deadline_before_the_slot_is_refused_at_once_and_takes_no_slot() -> None:
    caller = make_caller(1)
    caller.arrive(0, 0, 0, 0, deadline=2.0)
    caller.time.run()
    assert caller.left == pytest.approx([0, 1, 2])
    with pytest.raises(OutOfTime) as caught:
        caller.pacer.wait(CALL, deadline=2.5)
    assert caught.value.wait == pytest.approx(1.0)
    assert CALL in str(caught.value)


def test_a_slot_that_moves_behind_the_deadline_is_refused_when_it_is_noticed() -> None:
    """A throttle can move the slots of calls that wait; who cannot leave in time any more is told."""
    caller = make_caller(1)
    tasks = caller.arrive(0, 0, 0, deadline=2.0)
    caller.time.spawn(lambda: caller.pacer.throttled(CALL, 5.0), at=0.5)
    caller.time.run(until=2.0)
    assert (caller.left, [task.done for task in tasks]) == ([0], [True] * 3)


def test_wait_returns_the_seconds_waited_for_this_operation() -> None:
    caller, waited = make_caller(4), list[tuple[str, float]]()
    for name in (CALL, CALL, "ListOTAModuleByProduct"):
        caller.time.spawn(lambda name=name: waited.append((name, caller.pacer.wait(name, NEVER))))  # type: ignore[misc]
    caller.time.run()
    assert sorted(waited) == [(CALL, 0.0), (CALL, pytest.approx(0.25)), ("ListOTAModuleByProduct", 0.0)]


class Api:
    """Throttles the calls that leave before `until`, and answers each after `latency`."""

    def __init__(self, callers: int, seconds: float, *, latency: float, until: float) -> None:
        self._caller = make_caller(9)
        for _ in range(callers):
            self._caller.time.spawn(lambda: self._call(seconds, latency, until))
        self._caller.time.run()

    def pace(self, begin: float, end: float) -> float:
        """Calls a second between two moments."""
        return sum(begin <= moment < end for moment in self._caller.left) / (end - begin)

    def _call(self, seconds: float, latency: float, until: float) -> None:
        time, pacer = self._caller.time, self._caller.pacer
        while time.time < seconds:
            self._caller.call()
            is_throttled = time.time < until
            time.clock.sleep(latency)
            if is_throttled:
                pacer.throttled(CALL, 0.0)
            else:
                pacer.accepted(CALL)


def test_throttles_of_calls_that_left_together_count_once() -> None:
    """Eighteen calls on their way are all refused: the rate goes to 0.7 of what it was, not to 0.7 ** 18."""
    api = Api(45, 10, latency=2, until=1.9)
    assert api.pace(2.1, 3.9) == pytest.approx(6.3, rel=0.15)


def test_the_rate_climbs_back_step_by_step() -> None:
    api = Api(9, 40, latency=0.05, until=0.01)
    paces = [api.pace(second, second + 2.0) for second in (0.1, 5, 30)]
    assert paces[0] < 0.9 * 9
    assert paces[0] < paces[1] <= 9
    assert paces[2] == pytest.approx(9, rel=0.06)


def test_refusals_without_end_leave_a_tenth_of_the_rate() -> None:
    """Never stuck: there must be calls for the API to say that it is better."""
    api = Api(9, 200, latency=0.05, until=1000)
    assert api.pace(100, 200) == pytest.approx(9 * SLOWEST, rel=0.1)


@pytest.mark.parametrize(
    ("operation", "asked", "jump", "held"),
    [
        *((CALL, asked, 0, held) for asked, held in ((2.0, 2.0), (60.0, 5.0), (-1.0, 0.0))),
        (CALL, 5.0, -3600, 5.0),
        ("UpdateOTAModule", 5.0, 0, 0.0),
    ],
)
def test_nothing_leaves_before_retry_after_is_over(operation: str, asked: float, jump: float, held: float) -> None:
    """What the API asks for is honoured within 0 to 5 seconds, and no longer where the clock goes back."""
    caller = make_caller(9)
    caller.time.run(until=10)
    caller.pacer.throttled(operation, asked)
    caller.time.jump(jump)
    caller.arrive(10.0)
    caller.time.run()
    assert caller.left == pytest.approx([10 + held])
