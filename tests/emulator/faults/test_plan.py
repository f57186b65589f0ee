"""Plans of faults, and which calls they strike."""

import pytest
from pydantic import ValidationError

from emulator.faults.injection import Faults
from emulator.faults.plan import KINDS, Plan, Rule


def delay(**more: object) -> Rule:
    return Rule.model_validate({"service": "iot", "kind": "delay", **more})


def struck(faults: Faults, times: int, operation: str = "CreateOTAModule", text: str = "") -> list[bool]:
    return [bool(faults.striking("iot", operation, KINDS, text)) for _ in range(times)]


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    """A kind or a field that the service does not know, a name that is no field, a neighbour that calls nothing."""
    with pytest.raises(ValidationError):
        Rule(service="smq", kind="deny", instance="iot-a")
    for wrong in ({"kind": "reorder"}, {"second": 1}, {"kind": "neighbour"}, {"nth": 0}, {"seconds": -1}):
        with pytest.raises(ValidationError):
            delay(**wrong)


def test_a_rule_strikes_from_the_nth_call_as_often_as_it_may() -> None:
    faults = Faults()
    faults.add(delay(nth=3, times=2))
    assert struck(faults, 6) == [False, False, True, True, False, False]


def test_a_rule_strikes_only_what_it_is_about() -> None:
    """Of an instance not those calls that name another, a longer one, or none. A text may be a number."""
    faults = Faults()
    faults.add(delay(operation="CreateOTAModule", contains=42))
    assert struck(faults, 1, text="ModuleName=m42") + struck(faults, 1, text="ModuleName=modem") == [True, False]
    assert struck(faults, 1, operation="ListOTAModuleByProduct", text="m42") == [False]
    assert not faults.striking("smq", "CreateOTAModule", KINDS, "m42")
    faults.set(Plan(rules=(delay(instance="iot-a"),)))
    texts = (
        "IotInstanceId=iot-a",
        "Action=x&IotInstanceId=iot-a&y=",
        "IotInstanceId=iot-ab",
        "IotInstanceId=iot-b",
        "",
    )
    assert [struck(faults, 1, text=text)[0] for text in texts] == [True, True, False, False, False]


def test_a_rule_holds_between_its_times() -> None:
    """Also one that is no call's: the clock is ahead meanwhile."""
    faults = Faults(iter((0.0, 0.0, 1.0, 1.9, 2.0)).__next__)
    faults.add(delay(since=1.0, until=2.0))
    assert struck(faults, 4) == [False, True, True, False]
    faults = Faults(iter((0.0, 4.9, 5.0)).__next__)
    faults.add(Rule(service="iot", kind="clock", amount=1200.0, until=5.0))
    assert (faults.clock_ahead(), faults.clock_ahead()) == (1200.0, 0.0)


def test_the_same_seed_strikes_the_same_calls() -> None:
    """Draws depend on the seed and the rule, not on what other rules drew."""
    rule = delay(probability=0.5)

    def draws(seed: int, *rules: Rule) -> list[bool]:
        faults = Faults()
        faults.set(Plan(seed=seed, rules=rules))
        return [rule in [active.rule for active in faults.striking("iot", "x", KINDS)] for _ in range(64)]

    draw = draws(1, rule)
    assert draw == draws(1, Rule(service="iot", kind="empty", probability=0.3), rule)
    assert draw != draws(2, rule)
