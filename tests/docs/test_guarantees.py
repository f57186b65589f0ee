"""docs/guarantees.md: the promises that the tests check, and the pauses that the function makes."""

import re

from handler.retry import PUT_BACK
from handler.settings import Settings
from tests.docs.pages import page
from tests.e2e import invariants

PAGE = page("guarantees")
SECONDS = {"s": 1, "min": 60}


def test_every_promise_is_one_that_is_checked() -> None:
    """By its number in tests/e2e/invariants.py, or in the simulation."""
    checked = set(re.findall(r"^(I\d+) ", invariants.__doc__ or "", re.MULTILINE))
    assert checked <= {row[0] for row in PAGE.tables[0].rows}


def test_the_pauses_are_those_of_the_function() -> None:
    """The longest one before each attempt, up to the last of OTA_MAX_ATTEMPTS."""
    table = PAGE.table("attempt")
    attempts = [int(cell) for cell in table.heading[1:]]
    shown = [int(number) * SECONDS[unit] for number, unit in (cell.split() for cell in table.rows[0][1:])]
    assert attempts == list(range(2, Settings.model_fields["OTA_MAX_ATTEMPTS"].default + 1))
    assert shown == [PUT_BACK.ceiling(attempt - 1) for attempt in attempts]
