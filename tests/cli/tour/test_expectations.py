"""Whether the outcomes that came are the expected ones."""

from typing import Any

import pytest

from cli.tour.samples import Sample
from cli.tour.tour import Expectations


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
def test_what_is_not_as_expected_is_told(events: list[dict[str, Any]], problems: list[str]) -> None:
    """Of a sample with one outcome, whose Id is known once it is sent."""
    expectations = Expectations()
    sample = Sample("requests/x.json", "queue", b"{}", ({"Id": "{message}/r", "Status": "created"},))
    expectations.expect(sample)
    assert expectations.complete
    expectations.expect(sample, "M")
    assert [expectations.take(event) for event in events][:1] == ["requests/x.json"][: len(events)]
    assert expectations.complete is bool(events)
    assert [finding.problem for finding in expectations.findings()] == problems
