"""Runs of the command line, recognized by the Ids of their requests."""

import pytest

from emulator.console.runs import KEPT, Runs


@pytest.mark.parametrize(
    ("request_id", "runs"),
    [("5ea7ef0c-17", ["5ea7ef0c"]), ("5ea7ef0c", []), ("5EA7EF0C-1", []), ("5ea7ef0c-x", []), ("order-1", [])],
)
def test_a_run_is_eight_hexadecimal_digits_before_a_number(request_id: str, runs: list[str]) -> None:
    seen = Runs()
    seen.note(request_id, 0.0)
    assert [run["run"] for run in seen.as_json(0.0)] == runs


def test_a_request_counts_once_with_its_latest_status() -> None:
    """However often it is put back, and also if its outcome was seen first."""
    runs = Runs()
    for status in (None, None, "failed", "created", None):
        runs.note("00000001-1", 1.0, status)
    runs.note("00000001-2", 3.0, "existing")
    figures = {"sent": 2, "answered": 2, "statuses": {"created": 1, "existing": 1}}
    assert runs.as_json(shift=10.0) == [{"run": "00000001", "began": 11.0, **figures}]


def test_only_the_latest_runs_are_kept() -> None:
    runs = Runs()
    for number in range(KEPT + 5):
        runs.note(f"{number:08x}-1", 0.0)
    kept = runs.as_json(0.0)
    assert (len(kept), kept[0]["run"]) == (KEPT, f"{KEPT + 4:08x}")
