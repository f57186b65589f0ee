"""What a command shows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.terminal.screen import Screen, outcome_line, remark, visible


def test_nothing_from_elsewhere_can_move_the_cursor() -> None:
    """Nor hide what stands beside it."""
    assert visible("a\x1b[2Jb\u202ec\n") == "a\\u001b[2Jb\\u202ec\\u000a"


def test_an_outcome_is_one_line() -> None:
    """Status, module, why."""
    line = outcome_line(
        {
            "Status": "rejected",
            "ProductKey": "a1",
            "ModuleName": "x\n",
            "Errors": [{"Field": "", "Problem": "is empty"}],
        }
    )
    assert line.plain.split() == ["rejected", "a1/x\\u000a", "message", "is", "empty"]


def test_drift_is_told_field_by_field() -> None:
    """What was found, and what was wished."""
    outcome = {"Status": "existing", "Drift": {"AliasName": {"Wanted": "b", "Found": "a"}}}
    assert remark(outcome) == "AliasName: 'a', not 'b'"


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("iot.x", "It is so.", "iot.x: It is so."),
        ("iot.x", None, "iot.x"),
        (None, "It is so.", "It is so."),
        ("Busy", "Busy: later.", "Busy: later."),
        (None, None, ""),
    ],
)
def test_a_reason_is_told_with_its_code_once(code: str | None, message: str | None, told: str) -> None:
    """The code alone tells nobody why."""
    assert remark({"Status": "failed", "Code": code, "ErrorMessage": message}) == told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("Status", "ProductKey", "ModuleName", "Errors", "Drift", "Code", "ErrorMessage")


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_whatever_an_outcome_holds_it_is_one_line(outcome: dict[str, Any]) -> None:
    """Anybody may publish to the topic: what cannot be shown would stop a reader for ever."""
    assert len(outcome_line(outcome).plain.splitlines()) <= 1


def test_a_table_in_a_pipe_is_plain_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Aligned by what is seen, nothing folded, no blanks at the ends."""
    Screen().table(("A", "B"), [("字" * 3, "x" * 300), ("ab", "y")], title="T")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["T", "A       B", f"字字字  {'x' * 300}", "ab      y"]


def test_json_is_all_that_stands_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Notes go to standard error."""
    screen = Screen(as_json=True)
    screen.note("a note")
    screen.say("text")
    screen.table(("A",), [("x",)])
    screen.record({"Wrote": "字" * 1000})
    printed: Any = capsys.readouterr()
    assert json.loads(printed.out) == {"Wrote": "字" * 1000}
    assert printed.err == "a note\n"
