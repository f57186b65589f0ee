"""The invariants themselves: each is broken by the evidence of a broken promise, and by nothing else."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from emulator.faults.plan import Rule
from emulator.iot.products import Module, Product
from emulator.iot.service import ApiCall
from emulator.records import Arrival, Deleted, Event, Faulted, Invoked, Published, Sent
from tests.e2e.evidence import LETTERS, REQUESTS, Asked, Evidence
from tests.e2e.invariants import violations

REQUEST = {"Id": "r1", "ProductKey": "a1", "ModuleName": "mcu", "AliasName": "Mcu"}
BEFORE = Product("a1", "One", None, "senior", 0.0, (Module("default", None, None, 0.0, 0.0),))
AFTER = replace(BEFORE, modules=(*BEFORE.modules, Module("mcu", "Mcu", None, 1.0, 1.0)))
LETTER = {"Reason": "upstream", "Request": REQUEST}


def published(moment: float = 3.0, outcome: str = "o1", **data: Any) -> Published:
    body = {"id": outcome, "causationid": "r1", "data": {"Status": "created", **REQUEST, **data}}
    return Published("results", json.dumps(body), "created", moment)


def call(operation: str = "CreateOTAModule", **parameters: str) -> ApiCall:
    wanted = {name: value for name, value in REQUEST.items() if name != "Id"}
    return ApiCall(operation, "account", 2.0, {**wanted, **parameters}, 200, "", True, "q1")


def asked(**more: str) -> list[Asked]:
    return [Asked("r1", {**REQUEST, **more})]


def sent(message: str, moment: float = 3.0, **more: object) -> Sent:
    return Sent(REQUESTS, message, json.dumps({**REQUEST, **more}), moment)


SENT, AGAIN, UNCHANGED = sent("m1", 1.0), sent("m2", Attempt=2), sent("m2")
ARRIVED = Arrival("iot", "CreateOTAModule", "key", 2.0)
BURST = tuple(replace(ARRIVED, moment=2.0 + number / 20) for number in range(11))
CREATED, REJECTED, FAILED = published(), published(Status="rejected"), published(Status="failed")
UPDATED, WITH_UPDATE = published(Status="updated"), asked(OnExisting="update")
DEFAULT_EXISTS = published(Status="existing", Drift={"AliasName": {"Wanted": "Mcu", "Found": ""}})
INVOKED = Invoked("queue", "q", "c", 1.5, 3.5, None, "")
SLOW = replace(INVOKED, ended=6.0)
CUT_OFF = replace(INVOKED, error="UnhandledInvocationError", text="Function time out after 8 seconds")
RAISED = replace(INVOKED, error="UnhandledInvocationError", text='{"errorType": "NotFinished"}')
DELETED = Deleted(REQUESTS, "m1", 4.0)
LATER = (published(8.0), replace(INVOKED, began=7.5, ended=9.0), Deleted(REQUESTS, "m2", 10.0))
DENIED = Faulted("iot", "CreateOTAModule", "status", 503, False, 2.0)
UNHEARD = Faulted("smq", "BatchSendMessage", "drop", 0, True, 2.0)
OUTAGE, QUEUE_OUTAGE = Rule(service="iot", kind="status"), Rule(service="smq", kind="status")
ELSEWHERE, OTHER_MODULE, UPDATES = (
    OUTAGE.model_copy(update=where)
    for where in ({"instance": "iot-other"}, {"contains": "modem"}, {"operation": "UpdateOTAModule"})
)
KILL, PAUSE = Rule(service="fc", kind="kill"), Rule(service="fc", kind="pause")
NOT_MADE: dict[str, Any] = {"calls": [], "after": {"a1": BEFORE}}


def ran(*events: Event) -> Sequence[Event]:
    """A message is sent, its request made, this happens, and the message is acknowledged."""
    return SENT, ARRIVED, *events, INVOKED, DELETED


def case(history: str, broken: str, events: Sequence[Event] = ran(CREATED), **more: Any) -> Any:
    """A run in which all is well but for this, and the invariants that it breaks."""
    well: dict[str, Any] = {
        "asked": asked(), "calls": [call()], "before": {"a1": BEFORE}, "after": {"a1": AFTER}, "letters": [],
        "lines": ["a line"], "pages": [], "secrets": ["testsecret"], "rules": [OUTAGE], "limit": 10,
    }  # fmt: skip
    return pytest.param(broken.split(), Evidence(events=events, **{**well, **more}), id=history)


CASES = [
    case("all is well", ""),
    case("neither an outcome nor a dead letter", "I1", (SENT, ARRIVED, INVOKED)),
    *(case(f"{status} at last", "I1", asked=[Asked("r1", REQUEST, answered=status)]) for status in (429, 500)),
    case(
        "given up, and said so",
        "",
        ran(Sent(LETTERS, "m2", json.dumps(LETTER), 3.0), FAILED),
        letters=[LETTER],
        **NOT_MADE,
    ),
    case("two ids for one request", "I2", ran(CREATED, published(outcome="o2"))),
    case("created, and there is no module", "I2", **NOT_MADE),
    case("created, though it was there before", "I2", calls=[], before={"a1": AFTER}),
    case("rejected, though it was made", "I2", ran(REJECTED)),
    case("existing otherwise, with no drift", "I2", ran(published(Status="existing")), asked=asked(AliasName="Other")),
    case("failed, without a dead letter", "I2", ran(FAILED)),
    case("existing, though it breaks the contract", "I2 I8", ran(DEFAULT_EXISTS), asked=asked(ModuleName="default")),
    case(
        "updated as asked", "", ran(UPDATED), asked=WITH_UPDATE, calls=[call("UpdateOTAModule")], before={"a1": AFTER}
    ),
    case("updated, and there was no update", "I2", ran(UPDATED), asked=WITH_UPDATE),
    case("rejected, and it was updated", "I2", ran(REJECTED), asked=WITH_UPDATE, calls=[call("UpdateOTAModule")]),
    case("made and refused as existing", "I2", ran(REJECTED), asked=asked(OnExisting="fail")),
    case("made and refused after a crash", "", ran(REJECTED), asked=asked(OnExisting="fail"), rules=[KILL]),
    case("created twice, once in capitals", "I3", calls=[call(), call(ModuleName="MCU")]),
    case("updated, and nobody asked for it", "I3", calls=[call(), call("UpdateOTAModule")]),
    case("updated otherwise", "I3", asked=WITH_UPDATE, calls=[call(), call("UpdateOTAModule", AliasName="Wrong")]),
    case("eleven calls in a second", "I4", (SENT, *BURST, CREATED, INVOKED, DELETED)),
    case("acknowledged before the outcome", "I5", (SENT, ARRIVED, DELETED, CREATED, INVOKED)),
    case(
        "put back and finished later",
        "",
        (SENT, ARRIVED, AGAIN, DELETED, published(5.0), SLOW, replace(DELETED, id="m2")),
    ),
    case(
        "put back and dropped later", "I1 I5 I10", (SENT, ARRIVED, AGAIN, DELETED, INVOKED, replace(DELETED, id="m2"))
    ),
    case("success over HTTP, and no outcome", "I1 I5", (ARRIVED, INVOKED), asked=[Asked("r1", REQUEST, answered=201)]),
    case("cut off at its timeout", "I6", (SENT, ARRIVED, CREATED, CUT_OFF, DELETED)),
    case("cut off because it was paused", "", (SENT, ARRIVED, CREATED, CUT_OFF, DELETED), rules=[PAUSE]),
    case("a call after the invocation", "I6", (*ran(CREATED), replace(ARRIVED, moment=9.0))),
    case("a secret in a log", "I7", lines=["… testsecret …"]),
    case("a secret in a log, encoded twice", "I7", secrets=["a/b+c="], lines=["…a%252Fb%252Bc%253D…"]),
    case("a secret in a page", "I7", pages=["testsecret"]),
    case("a secret in a dead letter", "I7", letters=[{**LETTER, "Detail": "testsecret"}]),
    case("a secret in an outcome", "I7", ran(published(ErrorMessage="testsecret"))),
    case("a secret in an error", "I7", (SENT, ARRIVED, CREATED, replace(INVOKED, text="testsecret"), DELETED)),
    case("rejected by a fault that may be about it", "", ran(REJECTED), **NOT_MADE),
    case("rejected for another instance", "I8", ran(REJECTED), rules=[ELSEWHERE], **NOT_MADE),
    case("rejected for another module", "I8", ran(REJECTED), rules=[OTHER_MODULE], **NOT_MADE),
    case("rejected for calls that it does not need", "I8", ran(REJECTED), rules=[UPDATES], **NOT_MADE),
    case("put back for others", "I8", (*ran(DENIED, UNCHANGED), *LATER), rules=[ELSEWHERE]),
    case("put back for want of time", "", (SENT, ARRIVED, DENIED, UNCHANGED, SLOW, DELETED, *LATER), rules=[ELSEWHERE]),
    case("two messages come back for one", "I9", (*ran(AGAIN, sent("m3", Attempt=2)), *LATER)),
    case("two come back: the first was not acknowledged", "", (*ran(AGAIN, sent("m3", Attempt=2), UNHEARD), *LATER)),
    case("two come back: the batch came twice", "", (*ran(AGAIN, sent("m3", Attempt=2), INVOKED), *LATER)),
    case("a delivery for nothing", "I10", (*ran(sent("m2", Attempt=1)), *LATER)),
    case("a delivery that used up an attempt", "", (*ran(AGAIN), *LATER)),
    case("a batch comes again without need", "I10", (SENT, ARRIVED, RAISED, ARRIVED, CREATED, INVOKED, DELETED)),
    case(
        "a batch comes again in an outage of the queue",
        "",
        (SENT, ARRIVED, RAISED, *ran(CREATED)[1:]),
        rules=[QUEUE_OUTAGE],
    ),
]


@pytest.mark.parametrize(("broken", "evidence"), CASES)
def test_a_history_breaks_what_it_contradicts_and_nothing_else(broken: list[str], evidence: Evidence) -> None:
    problems = violations(evidence)
    assert list(dict.fromkeys(problem.partition(":")[0] for problem in problems)) == broken, problems
