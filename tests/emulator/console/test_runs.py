"""Runs, told by the Ids of their requests."""

import pytest

from emulator.console.runs import KEPT, Runs, run_of


@pytest.mark.parametrize(
    ("request_id", "run"),
    [("5ea7ef0c-17", "5ea7ef0c"), ("5ea7ef0c", None), ("5EA7EF0C-1", None), ("5ea7ef0c-x", None), ("order-1", None)],
)
def test_a_run_is_told_by_the_ids_that_the_command_line_gives(request_id: str, run: str | None) -> None:
    """Eight hexadecimal digits and a number."""
    assert run_of(request_id) == run


def test_a_request_counts_once_with_its_latest_status() -> None:
    """However often it is put back, and also where its outcome was seen first."""
    runs = Runs()
    for _delivery in range(2):
        runs.send("00000001-1", 1.0)
    runs.answer("00000001-1", "failed", 2.0)
    runs.answer("00000001-1", "created", 3.0)
    runs.answer("00000001-2", "existing", 3.0)
    [run] = runs.shown(shift=10.0)
    assert run == {
        "run": "00000001",
        "began": 11.0,
        "sent": 2,
        "answered": 2,
        "statuses": {"created": 1, "existing": 1},
    }


def test_only_the_latest_runs_are_remembered() -> None:
    """The oldest is forgotten first."""
    runs = Runs()
    for number in range(KEPT + 5):
        runs.send(f"{number:08x}-1", 0.0)
    shown = runs.shown(0.0)
    assert (len(shown), shown[0]["run"]) == (KEPT, f"{KEPT + 4:08x}")
