"""Results: verdicts as outcomes, and requests given up as what they go on as."""

import json

import pytest

from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled, Transient, Unanswered
from handler.messages import Known, ModuleRequest
from handler.modules import GivenUp, Verdict
from handler.outcomes import Difference, Unfinished
from handler.results import dead_letter, decided, failed, interrupted

REQUEST = ModuleRequest(ProductKey="a1Le6d0abcd", ModuleName="mcu", Id="r-1", Attempt=3)


def test_a_rejection_carries_the_apis_words_and_others_do_not() -> None:
    """A refusal that was read back and explained is no fault of the outcome."""
    refused = Refused("iot.system.x", "no", request_id="api-1")
    rejected = decided(REQUEST, Verdict("rejected", "refused", refused))
    assert (rejected.Code, rejected.ErrorMessage, rejected.RequestId) == ("iot.system.x", "no", "api-1")
    drift = {"AliasName": Difference(Wanted="Ours", Found="Theirs")}
    existing = decided(REQUEST, Verdict("existing", error=refused, drift=drift))
    assert (existing.Code, existing.ErrorMessage, existing.RequestId, existing.Drift) == (None, None, "api-1", drift)


@pytest.mark.parametrize(
    ("error", "reason", "retry_after"),
    [
        (OutOfTime("a slot", 4.5), "quota", 4.5),
        (OutOfTime("another try"), "deadline", 0.0),
        (Throttled("Throttling.User", retry_after=2.0), "quota", 2.0),
        (Misconfigured("NoPermission"), "misconfigured", 0.0),
        (Unanswered("NoAnswer"), "unanswered", 0.0),
        (NotSent("NotConnected"), "upstream", 0.0),
        (Transient("ServiceUnavailable"), "upstream", 0.0),
    ],
)
def test_what_is_not_finished_says_why_and_keeps_what_is_known(
    error: CallError | OutOfTime, reason: str, retry_after: float
) -> None:
    """Its next delivery starts from there."""
    known = Known(Tried=900, Theirs=True)
    left = interrupted(REQUEST, GivenUp(error, known, counts=True))
    assert (left.reason, left.retry_after, left.known, left.counts) == (reason, retry_after, known, True)


def test_a_fault_of_ours_counts_as_an_attempt() -> None:
    """It may be met each time."""
    left = interrupted(REQUEST, GivenUp(ZeroDivisionError("at 0x12"), Known(900)))
    assert (left.reason, left.detail, left.known, left.counts) == ("fault", "ZeroDivisionError", Known(900), True)


def test_a_dead_letter_holds_the_request_the_reason_and_the_outcome() -> None:
    """Enough to send it again, and to see why."""
    given_up = Unfinished(REQUEST, "upstream", "busy", "ServiceUnavailable", "api-2", known=Known(Tried=900))
    outcome = failed(REQUEST, given_up)
    assert (outcome.Status, outcome.Code, outcome.ErrorMessage) == ("failed", "ServiceUnavailable", "busy")
    letter = json.loads(dead_letter(given_up, outcome.event("/ota-modules/cn-shanghai/f", 0.0)))
    assert (letter["Reason"], letter["Detail"], letter["Outcome"]["id"]) == ("upstream", "busy", outcome.event_id)
    assert letter["Request"] | {"Id": "r-1", "Attempt": 3, "Tried": 900} == letter["Request"]
