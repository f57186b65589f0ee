"""Moments: read in every format that was seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.moments import unix_seconds

FEBRUARY, OCTOBER = 1_550_628_969.0, 1_602_582_360.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wed, 20-Feb-2019 02:16:09 GMT", FEBRUARY), ("Wed, 20 Feb 2019 10:16:09 +0800", FEBRUARY),
        ("Wed, 20 Feb 2019 02:16:09", FEBRUARY), ("Tue, 19-Feb-2019 18:16:09 -0800", FEBRUARY), ("1550628969000", FEBRUARY),
        ("1550628969", FEBRUARY), ("2020-10-13T09:46Z", OCTOBER), ("2020-10-13T09:46:00.125Z", OCTOBER + 0.125),
        ("2020-10-13T17:46:00+08:00", OCTOBER), ("2020-10-13 09:46:00", OCTOBER),
        ("", None), ("yesterday", None), ("0", None), ("2020-13-13T09:46Z", None),
    ],
)  # fmt: skip
def test_moments_are_read_in_the_formats_seen(text: str, expected: float | None) -> None:
    assert unix_seconds(text) == expected


@given(st.text() | st.from_regex(r"[0-9TZ:+. -]{1,30}"))
def test_no_text_is_a_fault(text: str) -> None:
    assert unix_seconds(text) is None or isinstance(unix_seconds(text), float)
