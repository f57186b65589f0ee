"""Which outcomes are still to come, and whether those that came are the expected ones."""

from typing import Any

from cli.tour.expectations import Expectations
from cli.tour.samples import Sample


def sample(*outcomes: dict[str, Any]) -> Sample:
    return Sample("requests/x.json", "queue", b"{}", outcomes)


def event(cause: str, status: str = "created", name: str = "e") -> dict[str, Any]:
    return {"id": name, "causationid": cause, "subject": "a1/mcu", "data": {"Status": status}}


CREATED = {"Id": "r", "Status": "created"}


def test_an_expected_outcome_completes() -> None:
    """Nothing is missing then."""
    expectations = Expectations()
    expectations.expect(sample(CREATED))
    arrival = expectations.take(event("r"))
    assert arrival is not None
    assert (arrival.sample, arrival.differences) == ("requests/x.json", ())
    assert expectations.complete


def test_an_outcome_that_comes_again_is_passed_over() -> None:
    """Redelivery is allowed: it is the same event."""
    expectations = Expectations()
    expectations.expect(sample(CREATED))
    expectations.take(event("r"))
    assert expectations.take(event("r")) is None
    assert expectations.unexpected() == []


def test_a_second_outcome_is_not_expected() -> None:
    """Another event for the same request."""
    expectations = Expectations()
    expectations.expect(sample(CREATED))
    expectations.take(event("r"))
    arrival = expectations.take(event("r", name="f"))
    assert arrival is not None
    assert arrival.differences == ("a second outcome, f, beside e",)


def test_an_outcome_that_changes_when_it_comes_again_is_not_expected() -> None:
    """Though its id is the same."""
    expectations = Expectations()
    expectations.expect(sample(CREATED))
    expectations.take(event("r"))
    arrival = expectations.take(event("r", "failed"))
    assert arrival is not None
    assert arrival.differences


def test_an_outcome_may_come_before_its_id_is_known() -> None:
    """The queue's answer, which has the message's id, may be the slower one."""
    expectations = Expectations()
    assert expectations.take(event("M1/1")) is None
    [arrival] = expectations.expect(sample({"Id": "{message}/1", "Status": "created"}), "M1")
    assert arrival.differences == ()
    assert expectations.complete


def test_what_has_not_come_is_missing() -> None:
    """With what was expected of it."""
    expectations = Expectations()
    expectations.expect(sample(CREATED))
    [finding] = expectations.missing()
    assert (finding.id, finding.problem) == ("r", "expected created, got nothing")


def test_what_nobody_expects_is_told() -> None:
    """An outcome of no sample."""
    expectations = Expectations()
    expectations.take(event("stranger"))
    [finding] = expectations.unexpected()
    assert finding.id == "stranger"
