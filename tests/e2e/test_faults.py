"""The matrix: everything that the local cloud can do wrong, through the queue and over HTTP; the invariants hold after each."""

from collections.abc import Mapping, Sequence

import pytest

from emulator.faults.plan import Plan, Rule
from tests.e2e.scenario import INSTANCE, Scenario, check, requests_for

CREATE, LIST, UPDATE = "CreateOTAModule", "ListOTAModuleByProduct", "UpdateOTAModule"
PUBLISH, PUT_BACK, PUT_SEVERAL_BACK = "PublishMessage", "SendMessage", "BatchSendMessage"


def iot(kind: str, operation: str = CREATE, **more: object) -> Rule:
    return rule("iot", kind, operation=operation, **{"times": 2, **more})


def smq(kind: str, operation: str = PUBLISH, **more: object) -> Rule:
    return rule("smq", kind, operation=operation, **{"times": 2, **more})


def fc(kind: str, **more: object) -> Rule:
    return rule("fc", kind, **more)


def stream(kind: str, **more: object) -> Rule:
    return rule("stream", kind, **more)


def rule(service: str, kind: str, **more: object) -> Rule:
    return Rule.model_validate({"service": service, "kind": kind, "times": 1, **more})


OUTAGE = iot("status", contains="barcodeScanner", times=5)
"""Long enough for one request that it is put back."""
WIDER_OUTAGE = iot("status", contains="isplay", times=10)
"""Long enough for two of three: those that the third waits behind."""

API: Mapping[str, Sequence[Rule]] = {
    "an answer that is late, but in time": [iot("delay", seconds=0.2, after=True)],
    "an answer that is too late": [iot("delay", seconds=1.0, after=True)],
    "a call that takes effect when nobody waits any more": [iot("delay", seconds=0.8)],
    "an answer that trickles": [iot("trickle", seconds=0.1)],
    "headers, then silence": [iot("headers-only")],
    "connections refused": [iot("refuse", seconds=0.4, times=1)],
    "a reset before the effect": [iot("reset")],
    "a reset after the effect": [iot("reset", after=True)],
    "a reply dropped before the effect": [iot("drop")],
    "a reply dropped after the effect": [iot("drop", after=True)],
    "a peer that is half open": [iot("half-open")],
    "a peer that is half open after the effect": [iot("half-open", after=True)],
    "idle connections that the server closes": [iot("close-idle", seconds=0.0, times=6)],
    "500": [iot("status", status=500)],
    "502": [iot("status", status=502)],
    "503": [iot("status", status=503)],
    "504 after the effect": [iot("status", status=504, after=True)],
    "a page in HTML": [iot("html", status=502)],
    "a page in HTML that claims success": [iot("html", status=200, after=True)],
    "an empty body": [iot("empty", status=200, after=True)],
    "a huge body": [iot("huge", status=200)],
    "an unknown code, after the effect": [iot("unknown-code", after=True)],
    "a throttle that says when": [iot("throttle", retry_after="150")],
    "a throttle that does not say when": [iot("throttle")],
    "a throttle with a negative wait": [iot("throttle", retry_after="-5")],
    "a throttle with a huge wait": [iot("throttle", retry_after="99999999999999999999", times=1)],
    "a throttle with a wait that is no number": [iot("throttle", retry_after="soon")],
    "an expired token": [iot("expire", times=1)],
    "a revoked key": [iot("revoke", times=1)],
    "an operation that the role may not call, for a while": [iot("deny", UPDATE, times=1)],
    "a role that may call nothing, for a while": [iot("deny", times=1), iot("deny", LIST, times=1)],
    "an account in arrears, for a while": [iot("overdue", times=1)],
    "an instance in arrears, for a while": [iot("overdue", instance=INSTANCE, times=1)],
    "an instance in which nothing may be called, for a while": [
        iot("deny", instance=INSTANCE, times=1),
        iot("deny", LIST, instance=INSTANCE, times=1),
    ],
    "a clock that is 20 minutes ahead": [iot("clock", amount=1200, until=0.8)],
    "a clock that is 20 minutes behind": [iot("clock", amount=-1200, until=0.8)],
    "a call that arrives twice": [iot("twice")],
    "a list that cannot be read": [iot("reset", after=True), iot("status", LIST, times=3)],
    "an update whose reply is lost": [iot("drop", UPDATE, after=True, times=1)],
    "an outage": [OUTAGE],
}
SINKS: Mapping[str, Sequence[Rule]] = {
    "publishing fails once": [smq("status", status=500, times=1)],
    "publishing fails for long": [smq("status", status=503, times=40)],
    "publishing succeeds, its reply is lost": [smq("drop", after=True)],
    "publishing is answered too late": [smq("delay", seconds=1.0, after=True)],
    "the topic's peer is half open": [smq("half-open")],
    "the store is full": [smq("status", status=500, times=4)],
    "connections to the topic are refused": [smq("refuse", seconds=0.4, times=1)],
    "the topic's key has expired": [smq("expire", times=1)],
}
CRASHES: Mapping[str, Sequence[Rule]] = {
    "killed when received": [fc("kill")],
    "killed before it calls": [fc("kill", within=0.1)],
    "killed when sent": [iot("kill", times=1)],
    "killed when answered": [iot("kill", times=1, after=True)],
    "killed when published": [smq("kill", times=1, after=True)],
    "killed while it publishes": [smq("kill", times=1)],
    "paused when received, and resumed": [fc("pause", seconds=1.0)],
    "paused when sent, and resumed": [iot("pause", seconds=1.0, times=1)],
    "paused when answered, and resumed": [iot("pause", seconds=1.0, times=1, after=True)],
}
DELIVERIES: Mapping[str, Sequence[Rule]] = {
    "every event twice": [stream("duplicate")],
    "events in another order": [stream("reorder")],
    "a batch once more": [stream("redeliver")],
    "a batch once more while the first still runs": [stream("overlap", seconds=0.02)],
    "an outage, and putting back fails": [OUTAGE, smq("status", PUT_BACK, status=500, times=3)],
    "an outage, and the reply of putting back is lost": [OUTAGE, smq("drop", PUT_BACK, after=True)],
    "an outage, and killed when put back": [OUTAGE, smq("kill", PUT_BACK, after=True, times=1)],
    "an outage, and nothing takes what is put back": [OUTAGE, smq("status", PUT_BACK, times=8)],
    "a wider outage, and the reply of putting back is lost": [WIDER_OUTAGE, smq("drop", PUT_SEVERAL_BACK, after=True)],
    "a wider outage, and nothing takes what is put back": [
        WIDER_OUTAGE,
        smq("status", PUT_SEVERAL_BACK, times=3),
        smq("status", PUT_BACK, times=8),
    ],
}
CALLS: Mapping[str, Sequence[Rule]] = {
    "the function is called late": [fc("delay", seconds=0.3)],
    "the function answers late": [fc("delay", seconds=0.3, after=True)],
    "no instance is free": [fc("status", status=429, times=2)],
    "the function cannot be reached": [fc("refuse", seconds=0.4)],
    "the function's call is reset": [fc("reset")],
    "the function's call is dropped": [fc("drop")],
    "the function's answer is reset": [fc("reset", after=True)],
    "the function's answer is dropped": [fc("drop", after=True)],
    "the function's answer is a page of a gateway": [fc("html", status=502, after=True)],
    "the function's answer trickles": [fc("trickle", seconds=0.002)],
}
QUEUE = {**API, **SINKS, **CRASHES, **CALLS, **DELIVERIES}
HTTP = {**API, **SINKS, **CRASHES, **CALLS}


def plan(rules: Sequence[Rule]) -> Plan:
    return Plan(seed=20_260_131, rules=tuple(rules))


@pytest.mark.parametrize("rules", QUEUE.values(), ids=QUEUE.keys())
def test_through_the_queue_nothing_is_lost_doubled_or_untrue(scenario: Scenario, rules: Sequence[Rule]) -> None:
    """Whatever goes wrong, every request ends once, and as it is said to."""
    check(scenario.queue(plan(rules), requests_for(scenario)))


@pytest.mark.parametrize("rules", HTTP.values(), ids=HTTP.keys())
def test_over_http_nothing_is_lost_doubled_or_untrue(scenario: Scenario, rules: Sequence[Rule]) -> None:
    """Whatever goes wrong, a sender who asks again until it is done is told the truth."""
    check(scenario.http(plan(rules), requests_for(scenario)))


@pytest.mark.parametrize("rules", [[], [iot("drop", after=True)]], ids=["nothing goes wrong", "replies are lost"])
def test_over_http_two_senders_of_one_request_make_one_module(scenario: Scenario, rules: Sequence[Rule]) -> None:
    """At the same time, whichever instances they meet."""
    check(scenario.http(plan(rules), requests_for(scenario), at_once=8, copies=2))
