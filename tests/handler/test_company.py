"""Each request stands alone: whatever company it comes in, its outcome is the one that it has by itself."""

from collections.abc import Mapping

import pytest

from handler.http1 import Answer
from handler.threads import Threads
from tests.support.fake_iot import FakeIot, answered, fine, lost_call
from tests.support.pipeline_world import World, message, wanted, world

GOOD, OVERDUE, NOWHERE = "iot-good", "iot-overdue", "iot-nowhere"


class Cloud(FakeIot):
    """Several instances: one is good, one is in arrears, and all others do not exist; updates are forbidden."""

    def _refusal(self, call: Mapping[str, str]) -> Answer | None:
        instance = call.get("IotInstanceId")
        if instance == OVERDUE:
            return answered(Success=False, Code="iot.system.BillIsOverDue", ErrorMessage="overdue")
        if instance != GOOD:
            return answered(Success=False, Code="iot.system.InstanceNotFound", ErrorMessage="no such instance")
        return None

    def CreateOTAModule(self, call: Mapping[str, str]) -> Answer:  # noqa: N802 - the API's name
        return self._refusal(call) or super().CreateOTAModule(call)

    def ListOTAModuleByProduct(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        return self._refusal(call) or super().ListOTAModuleByProduct(call)

    def UpdateOTAModule(self, _call: Mapping[str, str]) -> Answer:  # noqa: N802
        return answered(403, Code="Forbidden.RAM", Message="not authorized")


def cloud(default: str | None = None, **parts: object) -> World:
    """A cloud with one module, `m0`, and the instance that the settings name."""
    here = world(iot=Cloud({"a1": {}, "a2": {}}), OTA_IOT_INSTANCE_ID=default, **parts)
    here.iot.add("a1", "m0", alias="Old")
    return here


def good(name: str, **more: object) -> dict[str, object]:
    return {**wanted(name), "Id": name, "IotInstanceId": GOOD, **more}


STRANGERS = {
    "names no instance": wanted("m0", Id="stranger"),
    "names one that does not exist": good("m0", Id="stranger", IotInstanceId=NOWHERE),
    "names one in arrears": good("m0", Id="stranger", IotInstanceId=OVERDUE),
    "may not update": good("m0", Id="stranger", AliasName="New", OnExisting="update"),
    "is no request": {"ProductKey": "a1", "Id": "stranger"},
}


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("default", [None, NOWHERE])
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_changes_no_outcome(kind: str, default: str | None, threads: int) -> None:
    here = cloud(default, pool=Threads(threads))
    here.run(STRANGERS[kind], *(good(f"m{n}", ProductKey="a2") for n in range(1, 5)))
    statuses = {name: status for name, status in here.said().items() if name != "stranger"}
    assert statuses == {f"m{n}": "created" for n in range(1, 5)}


@pytest.mark.parametrize(
    ("kind", "default", "end"),
    [
        ("names no instance", None, "rejected"), ("names no instance", NOWHERE, "misconfigured"),
        ("names no instance", GOOD, "existing"), ("names one that does not exist", NOWHERE, "rejected"),
        ("names one in arrears", None, "misconfigured"), ("may not update", None, "misconfigured"),
    ],
)  # fmt: skip
def test_whether_the_request_or_the_deployment_is_at_fault_does_not_depend_on_others(
    kind: str, default: str | None, end: str
) -> None:
    for others in ([], [wanted("m8")], [wanted("m9", IotInstanceId=NOWHERE)], [wanted("m9", IotInstanceId=OVERDUE)]):
        for order in (1, -1):
            here = cloud(default)
            here.run(*[STRANGERS[kind], *others][::order])
            reasons = [line.get("reason") for line in here.log("request") if line["id"] == "stranger"]
            assert here.said().get("stranger", reasons[0]) == end


def test_a_request_without_an_instance_is_told_what_is_missing() -> None:
    here = cloud()
    here.run(wanted())
    data = here.box.published[0]["data"]
    assert (data["Status"], data["Code"]) == ("rejected", "iot.system.InstanceNotFound")
    assert data["ErrorMessage"] == "the request names no instance, and no default is set"


def test_a_wrong_default_is_named_in_the_log() -> None:
    here = cloud(NOWHERE)
    here.run(wanted("m1"), wanted("m2"))
    [line] = here.log("misconfigured")
    assert (line["setting"], line["instance"]) == ("OTA_IOT_INSTANCE_ID", NOWHERE)


def test_over_http_each_request_of_an_array_has_its_own_answer() -> None:
    here = cloud(NOWHERE)
    results = here.pipeline.answer(message(1, [wanted("m0"), good("m1"), good("m2")]), here.invocation)
    ends = [getattr(each, "Status", None) or getattr(each, "reason", None) for each in results]
    assert (ends, here.box.back) == (["misconfigured", "created", "created"], [])


def test_a_topic_that_is_down_for_hours_costs_no_attempt() -> None:
    here = world()
    here.box.publish_fails = lambda _event: True
    here.run(wanted())
    delays = []
    for _ in range(12):
        delays.append(here.box.back[0].delay)
        here.redeliver(after=max(delays[-1], 10))
    assert here.back()[0].get("Attempt", 1) == 1
    assert max(delays) > 100
    here.box.publish_fails = lambda _event: False
    here.redeliver()
    assert here.statuses() == ["created"]


def test_who_made_a_module_is_told_to_one_request_alone() -> None:
    others = (wanted(Id="B", Tried=999_000), wanted(Id="C", OnExisting="fail"))
    for order in (others, others[::-1]):
        here = world(fine, lost_call)
        here.run(wanted(Id="A"), *order)
        assert here.said() == {"A": "created", "B": "existing", "C": "rejected"}
    here = world()
    here.iot.add("a1", "mcu")
    here.run(wanted(Id="A"), wanted(Id="B", Tried=999_000))
    assert here.said() == {"A": "existing", "B": "created"}


def test_a_firewall_that_dislikes_one_request_stops_no_other() -> None:
    here = world(lambda _effect: Answer(403, {}, b"<html>blocked</html>"))
    here.run(wanted("a", Id="a"), wanted("b", Id="b"), wanted("c", Id="c"))
    assert here.said() == {"b": "created", "c": "created"}
    assert [back["Id"] for back in here.back()] == ["a"]
