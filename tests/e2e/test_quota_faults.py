"""The quota as it is deployed, while others use it, answers are late, and processes end or stand still."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from emulator.faults.plan import Plan, Rule
from tests.e2e.invariants import violations
from tests.e2e.scenario import Request, Scenario, hurried_cloud

pytestmark = pytest.mark.quiet
CREATE = "CreateOTAModule"


def rule(kind: str, service: str = "iot", **more: object) -> Rule:
    return Rule.model_validate({"service": service, "kind": kind, **more})


QUOTA: Mapping[str, Sequence[Rule]] = {
    "nothing": [],
    "a neighbour that takes half": [rule("neighbour", operation=CREATE, amount=5, until=1.5)],
    "a neighbour that takes all": [rule("neighbour", operation=CREATE, amount=12, until=0.8)],
    "answers that are late": [rule("delay", seconds=0.2, after=True, times=8)],
    "killed while it waits for its turn": [rule("kill", "fc", times=1, within=1.0)],
    "paused while it waits for its turn, and resumed": [rule("pause", "fc", times=1, within=1.0, seconds=1.5)],
}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    with hurried_cloud(tmp_path_factory.mktemp("quota"), limit=10, variables={"OTA_QPS": "6"}) as cloud:
        yield Scenario(cloud)


def requests(scenario: Scenario) -> list[Request]:
    """More than a second's worth."""
    products = [scenario.product() for _ in range(2)]
    return [
        {"Id": f"{product}-{number}", "ProductKey": product, "ModuleName": f"m{number}"}
        for product in products
        for number in range(5)
    ]


def check(scenario: Scenario, rules: Sequence[Rule], *, http: bool) -> None:
    plan = Plan(seed=9, rules=tuple(rules))
    ran = (scenario.http if http else scenario.queue)(plan, requests(scenario))
    found = violations(ran.evidence)
    assert not found, f"{found} under {plan}"
    assert all(ran.fired), f"{ran.fired} under {plan}"


@pytest.mark.parametrize("rules", QUOTA.values(), ids=QUOTA.keys())
def test_through_the_queue_the_limit_is_kept(scenario: Scenario, rules: Sequence[Rule]) -> None:
    """Ten calls in any second, counted where they arrive, and nothing lost for it."""
    check(scenario, rules, http=False)


@pytest.mark.parametrize("rules", QUOTA.values(), ids=QUOTA.keys())
def test_over_http_the_limit_is_kept(scenario: Scenario, rules: Sequence[Rule]) -> None:
    """Ten calls in any second from both instances together, and nothing lost for it."""
    check(scenario, rules, http=True)
