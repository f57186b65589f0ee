"""The function is killed at each named step of its pipeline, through the queue and over HTTP; the invariants hold after each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import get_args

import pytest

from emulator.faults.plan import Plan, Rule
from emulator.fc.runtime.steps import Step
from emulator.records import Arrival, Event, Invoked, Published, Sent, Stall
from tests.e2e.evidence import REQUESTS
from tests.e2e.invariants import violations
from tests.e2e.scenario import MAY_BE, Ran, Scenario, hurried_cloud, requests_for

SEED = 20_260_131
STEPS: Sequence[Step] = get_args(Step)
OUTAGE = Rule(service="iot", operation="CreateOTAModule", contains="barcodeScanner", kind="status", times=5)
"""Long enough for one request that it is put back."""


def asked_the_api(events: Sequence[Event]) -> bool:
    return any(isinstance(each, Arrival) and each.service == "iot" for each in events)


def told_of_success(events: Sequence[Event]) -> bool:
    """Of what was never sent, rejected is said without the API."""
    return any(isinstance(each, Published) and each.tag != "rejected" for each in events)


LEFT: Mapping[Step, Callable[[Sequence[Event]], bool]] = {
    "receive": lambda events: not any(isinstance(each, (Arrival, Published, Sent)) for each in events),
    "validate": lambda events: not any(isinstance(each, (Arrival, Published, Sent)) for each in events),
    "paced": lambda events: not asked_the_api(events) and not told_of_success(events),
    "sent": lambda events: not told_of_success(events),
    "answered": lambda events: asked_the_api(events) and not told_of_success(events),
    "published": lambda events: any(isinstance(each, Published) for each in events),
    "put back": lambda events: any(isinstance(each, Sent) and each.queue == REQUESTS for each in events),
}
"""What a call that was killed at a step may have left in the records."""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    with hurried_cloud(tmp_path_factory.mktemp("steps")) as cloud:
        yield Scenario(cloud)


def killed(ran: Ran) -> list[Invoked]:
    """The calls whose process ended before they did."""
    calls = [each for each in ran.evidence.events if isinstance(each, Invoked)]
    return [each for each in calls if each.error and "Process exited unexpectedly" in each.text]


def during(call: Invoked, events: Sequence[Event]) -> list[Event]:
    """What happened while a call ran."""
    return [
        each for each in events if not isinstance(each, Invoked | Stall) and call.began <= each.moment <= call.ended
    ]


def check(ran: Ran, plan: Plan, step: Step) -> None:
    found = violations(ran.evidence)
    assert not found, f"{found} under {plan}"
    assert all(ran.fired), f"{ran.fired} under {plan}"
    for said, allowed in zip(ran.statuses().values(), MAY_BE, strict=True):
        assert said and said <= allowed, f"{said} under {plan}"
    calls = killed(ran)
    assert len(calls) == 1, f"{calls} under {plan}"
    assert LEFT[step](during(calls[0], ran.evidence.events)), f"not killed where it should be, under {plan}"


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_a_batch_of_the_queue_comes_again(scenario: Scenario, step: Step) -> None:
    """And every request in it ends once, and as it is said to."""
    outage = [OUTAGE] if step == "put back" else []
    plan = Plan(seed=SEED, rules=(*outage, Rule(service="fc", kind="kill", step=step, times=1)))
    check(scenario.queue(plan, requests_for(scenario)), plan, step)


# Over HTTP nothing is put back: what is not finished is the sender's to send again.
@pytest.mark.parametrize("step", [step for step in STEPS if step != "put back"])
def test_killed_at_a_step_a_request_over_http_is_asked_again(scenario: Scenario, step: Step) -> None:
    """And its sender is told the truth. One request at a time: the records of two could not be told apart."""
    plan = Plan(seed=SEED, rules=(Rule(service="fc", kind="kill", step=step, times=1),))
    check(scenario.http(plan, requests_for(scenario), at_once=1), plan, step)
