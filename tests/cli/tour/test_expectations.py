"""Which outcomes are still to come, and whether those that came are the expected ones."""

from typing import Any

import pytest

from cli.tour.samples import Sample
from cli.tour.tour import Expectations


def event(cause: str, status: str = "created", name: str = "e") -> dict[str, Any]:
    return {"id": name, "causationid": cause, "subject": "a1/mcu", "data": {"Status": status}}


def sample(id_: str) -> Sample:
    return Sample("requests/x.json", "queue", b"{}", ({"Id": id_, "Status": "created"},))


@pytest.fixture
def expectations() -> Expectations:
    """Those of a sample with one outcome, of the request `r`."""
    made = Expectations()
    made.expect(sample("r"))
    return made


def test_an_expected_outcome_completes(expectations: Expectations) -> None:
    """With what was expected of it, until it comes; redelivery is allowed: it is the same event."""
    assert [(each.id, each.problem) for each in expectations.failed()] == [("r", "expected created, got nothing")]
    [arrival] = expectations.take([event("r")])
    assert (arrival.sample, arrival.differences) == ("requests/x.json", ())
    assert expectations.take([event("r")]) == []
    assert expectations.failed() == []


@pytest.mark.parametrize(
    ("again", "words"),
    [
        (event("r", name="f"), "a second outcome, f, beside e"),
        (event("r", "failed"), "Status: expected 'created', got"),
    ],
)
def test_another_outcome_of_the_same_request_is_not_expected(
    expectations: Expectations, again: dict[str, Any], words: str
) -> None:
    """Whether it is another event or says something else."""
    expectations.take([event("r")])
    [arrival] = expectations.take([again])
    assert arrival.differences[0].startswith(words)


def test_an_outcome_may_come_before_its_id_is_known() -> None:
    """The queue's answer, which has the message's id, may be the slower one."""
    expectations = Expectations()
    expectations.expect(sample("{message}/1"))
    assert expectations.take([event("M1/1")]) == []
    assert expectations.failed()[0].problem.startswith("not expected: created of a1/mcu")
    expectations.expect(sample("{message}/1"), "M1")
    [arrival] = expectations.take([])
    assert (arrival.differences, expectations.failed()) == ((), [])
