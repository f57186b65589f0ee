"""Is what came what was expected?"""

from typing import Any

import pytest

from cli.tour.matching import differences


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"Status": "created"}, {"Status": "created", "RequestId": "x"}),
        ({"Drift": None}, {}),
        ({"Drift": None}, {"Drift": {}}),
        ({"Drift": {"Desc": {"Found": "a"}}}, {"Drift": {"Desc": {"Found": "a", "Wanted": "b"}, "AliasName": {}}}),
        ({"Errors": [{"Field": "b"}, {"Field": "a"}]}, {"Errors": [{"Field": "a", "Problem": "x"}, {"Field": "b"}]}),
    ],
)
def test_a_part_of_what_came_is_enough(expected: Any, got: Any) -> None:
    """In any order, and null stands for nothing."""
    assert differences(expected, got) == []


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        ({"Status": "created"}, {"Status": "existing"}, "Status: expected 'created', got 'existing'"),
        ({"Status": "created"}, {}, "Status: expected 'created', got None"),
        ({"Drift": None}, {"Drift": {"Desc": {}}}, "Drift: expected nothing"),
        (
            {"Drift": {"Desc": {"Found": "a"}}},
            {"Drift": {"Desc": {"Found": "b"}}},
            "Drift.Desc.Found: expected 'a', got 'b'",
        ),
        ({"Errors": [{"Field": "a"}]}, {"Errors": []}, "Errors: expected {'Field': 'a'} among them"),
        ({"Errors": [{"Field": "a"}]}, {"Errors": [{"Field": "a"}, {"Field": "b"}]}, "Errors: not expected"),
        ({"Errors": [{"Field": "a"}, {"Field": "a"}]}, {"Errors": [{"Field": "a"}]}, "Errors: expected"),
        ({"Attempts": 1}, {"Attempts": True}, "Attempts: expected 1, got True"),
        ({"Errors": []}, {"Errors": "x"}, "Errors: expected a list"),
        ({"Drift": {}}, {"Drift": "x"}, "Drift: expected an object"),
    ],
)
def test_a_difference_says_where_it_is(expected: Any, got: Any, words: str) -> None:
    """With what was expected and what came."""
    [difference] = differences(expected, got)
    assert difference.startswith(words)
