"""Whether the outcomes that came are the expected ones."""

from typing import Any

import pytest

from cli.tour.samples import Sample
from cli.tour.tour import Expectations, differences


@pytest.mark.parametrize(
    ("expected", "got", "words"),
    [
        # A part of what came is enough, in any order, and null stands for nothing.
        ({"Status": "created"}, {"Status": "created", "RequestId": "x"}, None),
        (None, None, None),
        (None, {}, None),
        ({"Desc": {"Found": "a"}}, {"Desc": {"Found": "a", "Wanted": "b"}, "AliasName": {}}, None),
        ([{"Field": "b"}, {"Field": "a"}], [{"Field": "a", "Problem": "x"}, {"Field": "b"}], None),
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
def test_a_difference_says_where_it_is(expected: Any, got: Any, words: str | None) -> None:
    found = list(differences({"x": expected}, {"x": got}))
    assert [difference.startswith(words or "-") for difference in found] == ([True] if words else [])


def event(cause: str, status: str = "created", name: str = "e") -> dict[str, Any]:
    return {"id": name, "causationid": cause, "subject": "a1/mcu", "data": {"Status": status}}


@pytest.mark.parametrize(
    ("events", "problems"),
    [
        ([], ["expected created, got nothing"]),
        ([event("M/r")], []),
        ([event("M/r"), event("M/r")], []),  # redelivery is allowed
        ([event("M/r"), event("M/r", name="f")], ["2 outcomes instead of one"]),
        ([event("M/r"), event("M/r", "failed")], ["Status: expected 'created', got 'failed'"]),
        ([event("M/r"), event("stranger")], ["not expected: created of a1/mcu"]),
    ],
)
def test_what_is_not_as_expected_is_found(events: list[dict[str, Any]], problems: list[str]) -> None:
    """Of a sample with one outcome, whose Id is known once it is sent."""
    expectations = Expectations()
    sample = Sample("requests/x.json", "queue", b"{}", ({"Id": "{message}/r", "Status": "created"},))
    expectations.expect(sample)
    assert expectations.complete
    expectations.expect(sample, "M")
    assert [expectations.take(event) for event in events][:1] == ["requests/x.json"][: len(events)]
    assert expectations.complete is bool(events)
    assert [finding.problem for finding in expectations.findings()] == problems
