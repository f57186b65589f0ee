"""What becomes of a request: a verdict as an outcome, a request given up as what comes again or as a dead letter."""

import json

from handler.errors import CallError, Misconfigured, OutOfTime, Throttled, Unanswered
from handler.messages import Invalid, Known, ModuleRequest
from handler.modules import GivenUp, Verdict
from handler.outcomes import LONGEST_TEXT, Outcome, Reason, Unfinished, compact


def decided(request: ModuleRequest, verdict: Verdict) -> Outcome:
    """The outcome that a verdict is."""
    error = verdict.error
    shown = error if verdict.status == "rejected" else None
    return Outcome.of(
        request,
        verdict.status,
        why=verdict.why,
        Code=shown.code if shown else None,
        ErrorMessage=shown.text[:LONGEST_TEXT] if shown else None,
        RequestId=verdict.request_id or (error.request_id if error else None),
        Drift=dict(verdict.drift),
    )


def interrupted(request: ModuleRequest, given_up: GivenUp) -> Unfinished:
    """What a request that this delivery gave up goes on as: put back, dead-lettered, or told to its sender."""
    error, known, counts = given_up
    if isinstance(error, OutOfTime):
        reason: Reason = "quota" if error.wait else "deadline"
        return Unfinished(request, reason, str(error), retry_after=error.wait, known=known, counts=counts)
    if isinstance(error, CallError):
        detail = str(error)[:LONGEST_TEXT]
        api = error.code, error.request_id, error.retry_after
        return Unfinished(request, _reason(error), detail, *api, known, counts)
    return faulty(request, error, known)


def _reason(error: CallError) -> Reason:
    if isinstance(error, Throttled):
        return "quota"
    if isinstance(error, Misconfigured):
        return "misconfigured"
    return "unanswered" if isinstance(error, Unanswered) else "upstream"


def faulty(request: ModuleRequest | Invalid, error: Exception, known: Known) -> Unfinished:
    """What a request goes on as that met a fault of ours. It costs an attempt, for it may meet the fault each time."""
    return Unfinished(request, "fault", type(error).__name__, known=known, counts=True)


def failed(request: ModuleRequest, given_up: Unfinished) -> Outcome:
    """The outcome of a request that was given up for good."""
    return Outcome.of(
        request,
        "failed",
        Code=given_up.code or given_up.reason,
        ErrorMessage=given_up.detail,
        RequestId=given_up.api_request_id,
    )


def dead_letter(given_up: Unfinished, event: str) -> str:
    """A request that was given up, with what is known of it, the reason, and the outcome that says so.

    Raises: TypeError: the request is not a valid one.
    """
    if isinstance(given_up.request, Invalid):
        raise TypeError("an invalid request is not given up")
    known = {name: value for name, value in given_up.known._asdict().items() if value}
    letter = {
        "Reason": given_up.reason,
        "Detail": given_up.detail,
        "Request": {**given_up.request.model_dump(exclude_none=True, exclude=set(Known._fields)), **known},
        "Outcome": json.loads(event),
    }
    return compact(letter)
