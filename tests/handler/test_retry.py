"""Retry: backoff as values."""

from hypothesis import given
from hypothesis import strategies as st

from handler.retry import CALL, MISCONFIGURED, NO_TIME, PUT_BACK, Backoff, Pause, pause_after_attempt, pause_by_age

CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), CHANCES)
def test_a_pause_is_anything_up_to_a_ceiling_that_doubles_up_to_its_cap(failures: int, chance: float) -> None:
    """Full jitter."""
    assert 0 <= CALL.pause(failures, lambda: chance) <= CALL.ceiling(failures) <= CALL.cap
    backoff = Backoff(tries=9, base=1, cap=10)
    assert [backoff.ceiling(count) for count in (1, 2, 3, 4, 5)] == [1, 2, 4, 8, 10]


@given(st.integers(1, 100), CHANCES)
def test_half_of_the_pause_after_an_attempt_is_sure_and_the_rest_jitter(attempt: int, chance: float) -> None:
    """SMQ takes whole seconds; an outage gets time to end."""
    pause = pause_after_attempt(attempt)
    longest = PUT_BACK.ceiling(attempt)
    assert longest / 2 - 0.5 <= pause.draw(lambda: chance) <= longest <= PUT_BACK.cap
    assert (pause.least, pause.most, pause.counts) == (longest / 2, longest, True)


def test_ten_attempts_outlast_an_outage_of_half_an_hour_to_an_hour() -> None:
    """15 s, doubled up to 15 minutes: 46 minutes on average."""
    pauses = [pause_after_attempt(attempt) for attempt in range(1, 10)]
    assert [pause.most for pause in pauses] == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert (sum(pause.least for pause in pauses) // 60, sum(pause.most for pause in pauses) // 60) == (30, 60)


@given(st.floats(0, 1e6))
def test_what_costs_no_attempt_waits_about_as_long_as_it_has_waited(age: float) -> None:
    """Between half and the double of it, within the bounds of the others."""
    longest = pause_by_age(age).most
    assert longest in {pause_after_attempt(attempt).most for attempt in range(1, 8)}
    assert longest == 900 or age / 2 <= longest <= 2 * age + 15


@given(st.sampled_from([MISCONFIGURED, NO_TIME]), CHANCES)
def test_other_pauses_lie_between_their_bounds(pause: Pause, chance: float) -> None:
    """Five to fifteen minutes until somebody has put the deployment right; a moment where only time was missing."""
    assert 1 <= pause.least <= pause.draw(lambda: chance) <= pause.most <= 900
    assert not pause.counts
