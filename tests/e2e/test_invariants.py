"""The invariants themselves: each is broken by the evidence of a broken promise, and by nothing else."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.faults.plan import Rule
from emulator.iot.products import Module, Product
from emulator.iot.service import ApiCall
from emulator.records import Arrival, Deleted, Faulted, Invoked, Published, Sent
from tests.e2e.evidence import LETTERS, REQUESTS, Asked, Evidence
from tests.e2e.invariants import violations

REQUEST = {"Id": "r1", "ProductKey": "a1", "ModuleName": "mcu", "AliasName": "Mcu"}
BEFORE = Product("a1", "One", None, "senior", 0.0, (Module("default", None, None, 0.0, 0.0),))
MCU = Module("mcu", "Mcu", None, 1.0, 1.0)
AFTER = replace(BEFORE, modules=(*BEFORE.modules, MCU))


def published(moment: float = 3.0, **data: Any) -> Published:
    outcome = {"id": "o1", "causationid": "r1", "data": {"Status": "created", **REQUEST, **data}}
    return Published("results", json.dumps(outcome), "created", moment)


def call(operation: str = "CreateOTAModule", **parameters: str) -> ApiCall:
    said = {name: value for name, value in REQUEST.items() if name != "Id"}
    return ApiCall(operation, "account", 2.0, {**said, **parameters}, 200, "", True, "q1")


SENT = Sent(REQUESTS, "m1", json.dumps(REQUEST), 1.0)
ARRIVED = Arrival("iot", "CreateOTAModule", "key", 2.0)
DELETED = Deleted(REQUESTS, "m1", 4.0)
INVOKED = Invoked("queue", "q", "c", 1.5, 3.5, None, "")
EVENTS = (SENT, ARRIVED, published(), INVOKED, DELETED)
OUTAGE = Rule(service="iot", kind="status")


def evidence(**changes: Any) -> Evidence:
    """A run in which all is well, but for the changes."""
    plain: dict[str, Any] = {
        "asked": [Asked("r1", REQUEST)], "events": EVENTS, "calls": [call()], "before": {"a1": BEFORE},
        "after": {"a1": AFTER}, "letters": [], "lines": ["a line"], "pages": [], "secrets": ["testsecret"],
        "rules": [OUTAGE], "limit": 10,
    }  # fmt: skip
    return Evidence(**{**plain, **changes})


def broken(**changes: Any) -> set[str]:
    """The numbers of the invariants that evidence breaks."""
    return {problem.partition(":")[0] for problem in violations(evidence(**changes))}


def letter(**more: Any) -> Mapping[str, Any]:
    return {"Reason": "upstream", "Request": REQUEST, **more}


def test_a_run_in_which_all_is_well_breaks_none() -> None:
    """Sent, created, published, acknowledged."""
    assert violations(evidence()) == []


def test_a_request_without_an_end_breaks_the_first() -> None:
    """Neither an outcome nor a dead letter."""
    assert broken(events=(SENT, ARRIVED, INVOKED)) == {"I1"}


def test_a_dead_letter_with_its_reason_is_an_end() -> None:
    """Given up, and said so."""
    sent = Sent(LETTERS, "m2", json.dumps(letter()), 3.0)
    failed = published(Status="failed")
    events = (SENT, ARRIVED, sent, failed, INVOKED, DELETED)
    assert broken(events=events, letters=[letter()], calls=[], after={"a1": BEFORE}) == set()


def test_two_ids_for_one_request_break_the_second() -> None:
    """Whoever removes doubles could not."""
    other = replace(published(), body=published().body.replace('"o1"', '"o2"'))
    assert broken(events=(*EVENTS[:-1], other, DELETED)) == {"I2"}


def test_created_without_a_module_breaks_the_second() -> None:
    """Said, but not so."""
    assert broken(calls=[], after={"a1": BEFORE}) == {"I2"}


def test_created_by_somebody_else_breaks_the_second() -> None:
    """It was there before."""
    assert broken(calls=[], before={"a1": AFTER}) == {"I2"}


def test_a_rejection_of_what_was_made_breaks_the_second() -> None:
    """It could be made."""
    assert broken(events=(SENT, ARRIVED, published(Status="rejected"), INVOKED, DELETED)) == {"I2"}


def test_a_drift_that_is_not_told_breaks_the_second() -> None:
    """The module is there, but otherwise."""
    asked = [Asked("r1", {**REQUEST, "AliasName": "Other"})]
    events = (SENT, ARRIVED, published(Status="existing"), INVOKED, DELETED)
    assert broken(asked=asked, events=events) == {"I2"}


def test_failed_without_a_dead_letter_breaks_the_second() -> None:
    """Nobody could send it again."""
    assert broken(events=(SENT, ARRIVED, published(Status="failed"), INVOKED, DELETED)) == {"I2"}


def test_an_invalid_request_that_is_not_rejected_breaks_the_second() -> None:
    """Its sender broke the contract."""
    assert broken(asked=[Asked("r1", REQUEST, valid=False)]) == {"I2", "I8"}


def test_exists_and_fail_is_true_for_a_crashed_request_only() -> None:
    """Its own call made the module: only a request that came again may be told that it exists."""
    asked = [Asked("r1", {**REQUEST, "OnExisting": "fail"})]
    events = (SENT, ARRIVED, published(Status="rejected"), INVOKED, DELETED)
    assert broken(asked=asked, events=events) == {"I2"}
    assert broken(asked=asked, events=events, rules=[Rule(service="fc", kind="kill")]) == set()


def test_a_second_creation_breaks_the_third() -> None:
    """Under a name that differs in case only."""
    assert broken(calls=[call(), call(ModuleName="MCU")]) == {"I3"}


def test_an_update_that_nobody_asked_for_breaks_the_third() -> None:
    """`OnExisting` was not `update`."""
    assert broken(calls=[call(), call("UpdateOTAModule")]) == {"I3"}


def test_an_update_to_something_else_breaks_the_third() -> None:
    """It was asked for, but not so."""
    asked = [Asked("r1", {**REQUEST, "OnExisting": "update"})]
    assert broken(asked=asked, calls=[call(), call("UpdateOTAModule", AliasName="Wrong")]) == {"I3"}


def test_an_eleventh_call_in_a_second_breaks_the_fourth() -> None:
    """Refused or not: it reached the server."""
    burst = tuple(replace(ARRIVED, moment=2.0 + number / 20) for number in range(11))
    assert broken(events=(SENT, *burst, *EVENTS[2:])) == {"I4"}


def test_an_acknowledgement_before_the_outcome_breaks_the_fifth() -> None:
    """A crash between them would have lost the request."""
    assert broken(events=(SENT, ARRIVED, DELETED, published(), INVOKED)) == {"I5"}


def test_a_request_that_was_put_back_may_be_acknowledged() -> None:
    """Its next attempt is in the queue; that one owes an outcome."""
    again = Sent(REQUESTS, "m2", json.dumps({**REQUEST, "Attempt": 2}), 3.0)
    early = (SENT, ARRIVED, again, DELETED)
    assert broken(events=(*early, published(5.0), replace(INVOKED, ended=6.0), Deleted(REQUESTS, "m2", 6.0))) == set()
    assert "I5" in broken(events=(*early, INVOKED, Deleted(REQUESTS, "m2", 6.0)))


def test_success_over_http_without_an_outcome_breaks_the_fifth() -> None:
    """The sender will not ask again."""
    assert "I5" in broken(asked=[Asked("r1", REQUEST, answered=201)], events=(ARRIVED, INVOKED))


def test_an_invocation_that_was_cut_off_breaks_the_sixth() -> None:
    """It should have known when to stop, unless its process was stopped."""
    cut = replace(INVOKED, error="UnhandledInvocationError", text="Function time out after 8 seconds")
    events = (*EVENTS[:3], cut, DELETED)
    assert broken(events=events) == {"I6"}
    assert broken(events=events, rules=[Rule(service="fc", kind="pause")]) == set()


def test_a_call_after_the_invocation_breaks_the_sixth() -> None:
    """Something was left running."""
    assert broken(events=(*EVENTS, replace(ARRIVED, moment=9.0))) == {"I6"}


def test_a_secret_in_any_place_breaks_the_seventh() -> None:
    """A log, a page, a dead letter, an outcome, an error; also as it stands in a URL."""
    token = "a/b+c="
    assert broken(lines=["… testsecret …"]) == {"I7"}
    assert broken(pages=["testsecret"]) == {"I7"}
    assert broken(letters=[letter(Detail="testsecret")]) == {"I7"}
    assert broken(events=(SENT, ARRIVED, published(ErrorMessage="testsecret"), INVOKED, DELETED)) == {"I7"}
    assert broken(events=(SENT, ARRIVED, published(), replace(INVOKED, text="testsecret"), DELETED)) == {"I7"}
    assert broken(secrets=[token], lines=["…a%252Fb%252Bc%253D…"]) == {"I7"}


def test_a_rejection_for_what_is_wrong_with_others_breaks_the_eighth() -> None:
    """No fault is about the request; and to none that may have met it."""
    rejected: dict[str, Any] = {
        "events": (SENT, ARRIVED, published(Status="rejected"), INVOKED, DELETED),
        "calls": [],
        "after": {"a1": BEFORE},
    }
    assert broken(**rejected) == set()
    for harmless in ({"instance": "iot-other"}, {"contains": "modem"}, {"operation": "UpdateOTAModule"}):
        assert broken(**rejected, rules=[OUTAGE.model_copy(update=harmless)]) == {"I8"}


def test_going_back_for_what_is_wrong_with_others_breaks_the_eighth() -> None:
    """It is created, but by a later delivery; one that ran out of time may let any request go back."""
    again = Sent(REQUESTS, "m2", json.dumps(REQUEST), 3.0)
    rules = [OUTAGE.model_copy(update={"instance": "iot-other"})]
    later = (published(8.0), replace(INVOKED, began=7.5, ended=9.0), Deleted(REQUESTS, "m2", 10.0))
    denied = Faulted("iot", "CreateOTAModule", "status", 503, False, 2.0)
    assert broken(events=(SENT, ARRIVED, denied, again, INVOKED, DELETED, *later), rules=rules) == {"I8"}
    slow = replace(INVOKED, ended=6.0)
    assert broken(events=(SENT, ARRIVED, denied, again, slow, DELETED, *later), rules=rules) == set()


def test_more_messages_than_came_break_the_ninth() -> None:
    """Unless the queue took one without saying so, or the batch was delivered more than once."""
    back = [Sent(REQUESTS, f"m{number}", json.dumps({**REQUEST, "Attempt": 2}), 3.0) for number in (2, 3)]
    end = (published(8.0), replace(INVOKED, began=7.5, ended=9.0), *(replace(DELETED, id=each.id) for each in back))
    unheard = Faulted("smq", "BatchSendMessage", "drop", 0, True, 2.0)
    assert broken(events=(SENT, ARRIVED, *back, INVOKED, DELETED, *end)) == {"I9"}
    assert broken(events=(SENT, ARRIVED, *back, unheard, INVOKED, DELETED, *end)) == set()
    assert broken(events=(SENT, ARRIVED, *back, INVOKED, INVOKED, DELETED, *end)) == set()


def test_a_delivery_for_nothing_breaks_the_tenth() -> None:
    """Nothing went wrong around it, and no request got on; one more attempt is something to show."""
    end = (published(8.0), replace(INVOKED, began=7.5, ended=9.0), Deleted(REQUESTS, "m2", 10.0))
    for attempt, told in ((1, {"I10"}), (2, set())):
        again = Sent(REQUESTS, "m2", json.dumps({**REQUEST, "Attempt": attempt}), 3.0)
        assert broken(events=(SENT, ARRIVED, again, INVOKED, DELETED, *end)) == told


def test_a_batch_that_comes_again_without_need_breaks_the_tenth() -> None:
    """The function raised, and no fault was about the queue."""
    raised = replace(INVOKED, error="UnhandledInvocationError", text='{"errorType": "NotFinished"}')
    assert broken(events=(SENT, ARRIVED, raised, *EVENTS[1:])) == {"I10"}
    assert broken(events=(SENT, ARRIVED, raised, *EVENTS[1:]), rules=[Rule(service="smq", kind="status")]) == set()
