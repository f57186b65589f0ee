"""Calls in a sliding second."""

from types import SimpleNamespace

import pytest

from emulator.iot.quota import SlidingQuota


@pytest.fixture
def quota(steady: SimpleNamespace) -> SlidingQuota:
    return SlidingQuota(lambda: steady.now)


def take(quota: SlidingQuota, moments: list[float], limit: int = 3) -> list[float]:
    return [quota.take("Create", limit, moment) for moment in moments]


def test_a_call_beyond_the_limit_is_told_how_long_to_wait(quota: SlidingQuota) -> None:
    """There is room again when enough calls, refused ones included, are a second old."""
    assert take(quota, [100.0, 100.2, 100.4, 100.5]) == [0, 0, 0, pytest.approx(0.7)]


@pytest.mark.parametrize(
    ("moments", "limit", "passes"),
    [
        ([100.8, 100.9, 100.95, 101.1], 3, [True, True, True, False]),
        ([100.0 + n / 4 for n in range(40)], 4, [True] * 40),
        ([100.0 + n / 6 for n in range(60)], 3, [True] * 3 + [False] * 57),
    ],
    ids=["the second slides", "calls a second old are forgotten", "a caller at twice the limit never passes again"],
)
def test_refused_calls_count_too(quota: SlidingQuota, moments: list[float], limit: int, passes: list[bool]) -> None:
    assert [wait == 0 for wait in take(quota, moments, limit)] == passes


def test_calls_of_others_count_and_other_operations_do_not(quota: SlidingQuota) -> None:
    quota.consume("Create", 3)
    assert take(quota, [100.5])[0] == pytest.approx(0.5)
    assert quota.take("List", 3, 100.5) == 0


def test_counts_are_of_the_last_second(quota: SlidingQuota, steady: SimpleNamespace) -> None:
    quota.consume("Create", 2)
    steady.now += 0.6
    quota.consume("Create", 1)
    assert quota.counts() == {"Create": 3}
    steady.now += 0.6
    assert quota.counts() == {"Create": 1}
