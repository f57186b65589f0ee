"""What a command shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.terminal.modules import outcome_row, show_modules
from cli.terminal.screen import Screen, outcome_line, remark


def test_nothing_from_elsewhere_can_move_the_cursor() -> None:
    """Nor hide what stands beside it: an outcome is one line with its status, its module and the rules that it breaks."""
    errors = [{"Field": "", "Problem": "is \u202eempty"}]
    line = outcome_line({"Status": "rejected", "ProductKey": "a\x1b[2J", "ModuleName": "x\n", "Errors": errors})
    assert line.plain.split() == ["rejected", "a\\u001b[2J/x\\u000a", "message", "is", "\\u202eempty"]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"Code": "iot.x", "ErrorMessage": "It is so."}, "iot.x: It is so."),
        ({"Code": "iot.x"}, "iot.x"),
        ({"ErrorMessage": "It is so."}, "It is so."),
        ({"Code": "Busy", "ErrorMessage": "Busy: later."}, "Busy: later."),
        ({}, ""),
        ({"Drift": {"AliasName": {"Wanted": "b", "Found": "a"}}, "Code": "iot.x"}, "AliasName: 'a', not 'b' iot.x"),
    ],
)
def test_a_remark_says_why(outcome: dict[str, Any], words: str) -> None:
    """With the code once: alone it tells nobody why."""
    assert remark(outcome) == words


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


def test_modules_with_the_same_in_store_are_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Three hundred products whose module differs alike; one that differs otherwise stays alone. In a pipe nothing is folded,
    columns are aligned by what is seen, and there are no blanks at the ends."""
    drift = {"AliasName": {"Wanted": "蓝牙" * 100, "Found": "BLE"}}
    rows = [
        {"Status": "existing", "ProductKey": f"p{number}", "ModuleName": "ble", "Drift": drift} for number in range(300)
    ]
    rows.append({"Status": "rejected", "ProductKey": "字", "ModuleName": "ble", "Code": "iot.x"})
    show_modules(Screen(), ("Status", "Module", "Why"), map(outcome_row, rows), title="T")
    assert capsys.readouterr().out.splitlines() == [
        "T",
        "Status    Module                             Why",
        f"existing  ble of 300 products, p0 the first  AliasName: 'BLE', not '{'蓝牙' * 100}'",
        "rejected  字/ble                             iot.x",
    ]
