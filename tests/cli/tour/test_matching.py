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
    assert list(differences(expected, got)) == []


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        ("created", "existing", "x: expected 'created', got 'existing'"),
        ("created", None, "x: expected 'created', got None"),
        (None, {"Desc": {}}, "x: expected nothing, got {'Desc': {}}"),
        ({"Desc": {"Found": "a"}}, {"Desc": {"Found": "b"}}, "x.Desc.Found: expected 'a', got 'b'"),
        ([{"Field": "a"}], [], "x: expected {'Field': 'a'} among them"),
        ([{"Field": "a"}], [{"Field": "a"}, {"Field": "b"}], "x: not expected"),
        ([{"Field": "a"}, {"Field": "a"}], [{"Field": "a"}], "x: expected"),
        (1, True, "x: expected 1, got True"),
        ([], "x", "x: expected []"),
        ({}, "x", "x: expected {}"),
    ],
)
def test_a_difference_says_where_it_is(expected: Any, got: Any, words: str) -> None:
    """With what was expected and what came."""
    [difference] = differences({"x": expected}, {"x": got})
    assert difference.startswith(words)
