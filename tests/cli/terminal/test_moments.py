"""Moments and durations as people write them."""

import time

import pytest

from cli.errors import UsageError
from cli.terminal.moments import duration, local_time, moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400), ("900", 900), ("0.5", 0.5), (900, 900)],
)
def test_a_duration_is_read_with_or_without_its_unit(text: object, seconds: float) -> None:
    """Plain numbers are seconds."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-1", "10 m", "1w", "1e3", "nan", "10mm"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 30s, 10m or 2h"):
        duration(text)


def test_a_moment_is_ago_or_a_time() -> None:
    """A bare number is neither."""
    assert moment("10m", 1000) == 400
    assert moment("2026-01-31T08:00+08:00", 0) == moment("2026-01-31T00:00:00Z", 0)
    with pytest.raises(UsageError, match="neither like 10m"):
        moment("10", 0)


def test_a_time_is_read_and_shown_as_the_clock_on_the_wall_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an offset it is local, and shown with its offset; what is no time is shown as it is."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert local_time("2026-01-31T08:00:00Z") == "2026-01-31 16:00:00+08:00"
        assert local_time("soon") == "soon"
        assert moment("2026-01-31T16:00", 0) == moment("2026-01-31T08:00:00Z", 0)
    finally:
        monkeypatch.undo()
        time.tzset()
