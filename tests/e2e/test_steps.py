"""The function is killed at each named step of its pipeline, through the queue and over HTTP; the invariants hold after each."""

from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import pytest

from emulator.faults.plan import Plan, Rule
from emulator.fc.runtime.steps import Step
from emulator.records import Arrival, Event, Invoked, Published, Sent, Stall
from tests.e2e.evidence import REQUESTS, Evidence
from tests.e2e.scenario import Scenario, check, requests_for

STEPS: Sequence[Step] = get_args(Step)
OUTAGE = Rule(service="iot", operation="CreateOTAModule", contains="barcodeScanner", kind="status", times=5)
"""Long enough for one request that it is put back."""


def left_nothing(events: Sequence[Event]) -> bool:
    return not any(isinstance(event, Arrival | Published | Sent) for event in events)


def asked_the_api(events: Sequence[Event]) -> bool:
    return any(isinstance(event, Arrival) and event.service == "iot" for event in events)


def told_of_success(events: Sequence[Event]) -> bool:
    """Of what was never sent, rejected is said without the API."""
    return any(isinstance(event, Published) and event.tag != "rejected" for event in events)


LEFT: Mapping[Step, Callable[[Sequence[Event]], bool]] = {
    "receive": left_nothing,
    "validate": left_nothing,
    "paced": lambda events: not asked_the_api(events) and not told_of_success(events),
    "sent": lambda events: not told_of_success(events),
    "answered": lambda events: asked_the_api(events) and not told_of_success(events),
    "published": lambda events: any(isinstance(event, Published) for event in events),
    "put back": lambda events: any(isinstance(event, Sent) and event.queue == REQUESTS for event in events),
}
"""What a call that was killed at a step may have left in the records."""


def check_kill(evidence: Evidence, step: Step) -> None:
    """One process ended before its call did, and where it should have."""
    check(evidence)
    calls = [call for call in evidence.of(Invoked) if call.error and "Process exited unexpectedly" in call.text]
    assert len(calls) == 1, f"{calls} under {evidence.plan}"
    events = [event for event in evidence.events if not isinstance(event, Invoked | Stall)]
    assert LEFT[step]([event for event in events if calls[0].began <= event.moment <= calls[0].ended]), evidence.plan


def plan(step: Step, *rules: Rule) -> Plan:
    return Plan(rules=(*rules, Rule(service="fc", kind="kill", step=step, times=1)))


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_a_batch_of_the_queue_comes_again(scenario: Scenario, step: Step) -> None:
    """And every request in it ends once, and as it is said to."""
    check_kill(scenario.queue(plan(step, *([OUTAGE] if step == "put back" else [])), requests_for(scenario)), step)


# Over HTTP nothing is put back: what is not finished is the sender's to send again.
@pytest.mark.parametrize("step", [step for step in STEPS if step != "put back"])
def test_killed_at_a_step_a_request_over_http_is_asked_again(scenario: Scenario, step: Step) -> None:
    """And its sender is told the truth. One request at a time: the records of two could not be told apart."""
    check_kill(scenario.http(plan(step), requests_for(scenario), at_once=1), step)
