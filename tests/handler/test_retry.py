"""Retry: backoff as values."""

from hypothesis import given
from hypothesis import strategies as st

from handler.retry import CALL, PUT_BACK, Backoff, put_back_delay

chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), chances)
def test_a_pause_is_within_its_ceiling_and_the_ceiling_within_its_cap(failures: int, chance: float) -> None:
    """Full jitter: anything from nothing to the ceiling."""
    assert 0 <= CALL.pause(failures, lambda: chance) <= CALL.ceiling(failures) <= CALL.cap


def test_ceilings_double_up_to_the_cap() -> None:
    """Exponential."""
    backoff = Backoff(tries=9, base=1, cap=10)
    assert [backoff.ceiling(failures) for failures in (1, 2, 3, 4, 5)] == [1, 2, 4, 8, 10]


@given(st.integers(1, 100), chances)
def test_a_request_put_back_waits_for_a_while_but_never_for_hours(attempt: int, chance: float) -> None:
    """SMQ takes whole seconds; an outage gets time to end."""
    assert 1 <= put_back_delay(attempt, lambda: chance) <= PUT_BACK.cap
