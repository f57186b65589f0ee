"""The quota as it is deployed, while others use it, answers are late, and processes end or stand still."""

import pytest

from emulator.faults.plan import Plan, Rule
from tests.e2e.scenario import Scenario, check

CREATE = "CreateOTAModule"
QUOTA = {
    "nothing": [],
    "a neighbour that takes half": [Rule(service="iot", kind="neighbour", operation=CREATE, amount=5, until=1.5)],
    "a neighbour that takes all": [Rule(service="iot", kind="neighbour", operation=CREATE, amount=12, until=0.8)],
    "answers that are late": [Rule(service="iot", kind="delay", seconds=0.2, after=True, times=8)],
    "killed while it waits for its turn": [Rule(service="fc", kind="kill", times=1, within=1.0)],
    "paused while it waits for its turn, and resumed": [
        Rule(service="fc", kind="pause", times=1, within=1.0, seconds=1.5)
    ],
}


@pytest.mark.quiet
@pytest.mark.parametrize("scenario", [{"limit": 10, "variables": {"OTA_QPS": "6"}}], ids=["ten calls"], indirect=True)
@pytest.mark.parametrize("http", [False, True], ids=["through the queue", "over HTTP"])
@pytest.mark.parametrize("rules", QUOTA.values(), ids=QUOTA.keys())
def test_the_limit_is_kept(scenario: Scenario, rules: list[Rule], http: bool) -> None:
    """Ten calls in any second, counted where they arrive, from all instances together, and nothing lost for it."""
    run = scenario.http if http else scenario.queue
    check(run(Plan(seed=9, rules=tuple(rules)), scenario.new_modules(2, 5)))  # more than a second's worth
