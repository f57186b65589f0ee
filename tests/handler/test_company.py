"""Each request stands alone: whatever company it comes in, its outcome is the one that it has by itself."""

from collections import deque
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.http1 import Answer
from handler.threads import Threads
from tests.support.fake_iot import FakeIot, Fault, answered, busy, fine, lost_call, lost_reply
from tests.support.pipeline_world import World, message, wanted, world

GOOD, OVERDUE, NOWHERE = "iot-good", "iot-overdue", "iot-nowhere"


class Cloud(FakeIot):
    """Several instances: one is good, one is in arrears, and all others do not exist; updates may be forbidden."""

    may_update = True

    def _where(self, call: Mapping[str, str]) -> Answer | None:
        instance = call.get("IotInstanceId")
        if instance == OVERDUE:
            return answered(Success=False, Code="iot.system.BillIsOverDue", ErrorMessage="overdue")
        if instance != GOOD:
            return answered(Success=False, Code="iot.system.InstanceNotFound", ErrorMessage="no such instance")
        return None

    def CreateOTAModule(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        return self._where(call) or super().CreateOTAModule(call)

    def ListOTAModuleByProduct(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        return self._where(call) or super().ListOTAModuleByProduct(call)

    def UpdateOTAModule(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        if not self.may_update:
            return answered(403, Code="Forbidden.RAM", Message="not authorized: iot:UpdateOTAModule")
        return super().UpdateOTAModule(call)


def cloud(*faults: Fault, default: str | None = None, threads: int = 0, **more: object) -> World:
    parts = {"iot": Cloud({"a1": {}, "a2": {}}, deque(faults)), **({"pool": Threads(threads)} if threads else {})}
    return world(OTA_MAX_ATTEMPTS=5, OTA_IOT_INSTANCE_ID=default, **parts, **more)


def good(name: str, **more: object) -> dict[str, object]:
    return {**wanted(name, Id=name, IotInstanceId=GOOD), **more}


STRANGERS = {
    "names no instance": wanted("m0", Id="stranger"),
    "names one that does not exist": wanted("m0", Id="stranger", IotInstanceId=NOWHERE),
    "names one in arrears": wanted("m0", Id="stranger", IotInstanceId=OVERDUE),
    "may not update": good("m0", AliasName="New", OnExisting="update") | {"Id": "stranger"},
    "is no request": {"ProductKey": "a1", "Id": "stranger"},
}


@pytest.mark.parametrize("threads", [0, 8])
@pytest.mark.parametrize("default", [None, NOWHERE])
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_changes_no_outcome(kind: str, default: str | None, threads: int) -> None:
    here = cloud(default=default, threads=threads)
    assert isinstance(here.iot, Cloud)
    here.iot.may_update = False
    here.iot.add("a1", "m0", alias="Old")
    here.run(STRANGERS[kind], *(good(f"m{n}", ProductKey="a2") for n in range(1, 5)))
    said = here.said()
    said.pop("stranger", None)
    assert said == {f"m{n}": "created" for n in range(1, 5)}


@pytest.mark.parametrize(
    ("kind", "default", "ends"),
    [
        ("names no instance", None, "rejected"), ("names no instance", NOWHERE, "misconfigured"),
        ("names no instance", GOOD, "existing"), ("names one that does not exist", NOWHERE, "rejected"),
        ("names one in arrears", None, "misconfigured"), ("may not update", None, "misconfigured"),
    ],
)  # fmt: skip
def test_what_is_the_requests_own_fault_and_what_the_deployments(kind: str, default: str | None, ends: str) -> None:
    for others in ([], [wanted("m8")], [wanted("m9", IotInstanceId=NOWHERE)], [wanted("m9", IotInstanceId=OVERDUE)]):
        for order in (1, -1):
            here = cloud(default=default)
            assert isinstance(here.iot, Cloud)
            here.iot.may_update = False
            here.iot.add("a1", "m0", alias="Old")
            here.run(*[STRANGERS[kind], *others][::order])
            left = [line.get("reason") for line in here.log("request") if line["id"] == "stranger"]
            assert here.said().get("stranger", left[0]) == ends


def test_a_request_without_an_instance_is_told_what_is_missing() -> None:
    here = cloud()
    here.run(wanted())
    data = here.box.published[0]["data"]
    assert (data["Status"], data["Code"]) == ("rejected", "iot.system.InstanceNotFound")
    assert data["ErrorMessage"] == "the request names no instance, and no default is set"


def test_a_wrong_default_is_named_in_the_log() -> None:
    here = cloud(default=NOWHERE)
    here.run(wanted("m1"), wanted("m2"))
    [line] = here.log("misconfigured")
    assert (line["setting"], line["instance"]) == ("OTA_IOT_INSTANCE_ID", NOWHERE)


def test_a_list_that_was_halted_says_nothing_of_a_module_that_was_made() -> None:
    """The first finds out that its instance does not exist; the second one's create call had its effect all the same."""
    here = cloud(busy, fine, lost_reply, default=NOWHERE)
    here.run(wanted("m0"), good("m1"))
    assert here.said() == {"m1": "created"}


def test_over_http_each_request_of_an_array_has_its_own_answer() -> None:
    here = cloud(default=NOWHERE)
    results = here.pipeline.answer(message(1, [wanted("m0"), good("m1"), good("m2")]), here.invocation)
    ends = [getattr(each, "Status", None) or getattr(each, "reason", None) for each in results]
    assert (ends, here.box.back) == (["misconfigured", "created", "created"], [])


@pytest.mark.parametrize("sibling", [None, "not json", "[]", '{"ProductKey": "a1"}', '[{"Desc": "a", "Desc": "b"}]'])
def test_while_the_topic_is_down_nothing_is_forgotten(sibling: str | None) -> None:
    here = world()
    here.box.publish_fails = lambda _event: True
    here.run(wanted("mcu", OnExisting="fail", Id="r1"), wanted("modem", Id="r2"), *([sibling] if sibling else []))
    here.box.publish_fails = lambda _event: False
    assert here.box.published == []
    here.redeliver(after=60)
    said = here.said()
    assert (said.pop("r1"), said.pop("r2")) == ("created", "created")
    assert set(said.values()) == ({"rejected"} if sibling else set())


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


def test_an_update_is_told_though_the_topic_did_not_take_it_at_first() -> None:
    here = world()
    here.iot.add("a1", "mcu", alias="Old")
    here.box.publish_fails = lambda _event: True
    here.run(wanted(AliasName="New", OnExisting="update"))
    here.box.publish_fails = lambda _event: False
    here.redeliver(after=20)
    assert here.statuses() == ["updated"]


def test_an_older_update_does_not_overwrite_a_newer_one() -> None:
    here = world()
    here.iot.add("a1", "mcu", text="old")
    here.iot.faults = deque([fine, fine, *[busy] * 99])  # the create call, the list, and then no update
    here.run(
        wanted(Desc="first", OnExisting="update", Id="A"),
        wanted("MCU", Desc="second", OnExisting="update", Id="B"),
        wanted("other", product="a2", Id="C"),
    )
    here.iot.faults.clear()
    assert [[each["Id"] for each in back] for back in here.back() if isinstance(back, list)] == [["A", "B"]]
    assert [back["Attempt"] for back in here.back()[0] if "Attempt" in back] == [2]
    here.redeliver(after=20)
    assert here.iot.products["a1"]["mcu"]["Desc"] == "second"
    assert (here.said()["A"], here.said()["B"]) == ("updated", "updated")


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


KINDS = st.sampled_from(["good", "none", "nowhere", "overdue", "update", "invalid", "text"])


def of_kind(kind: str, number: int) -> object:
    name, mine = f"m{number}", f"r{number}"
    place = {"none": {}, "nowhere": {"IotInstanceId": NOWHERE}, "overdue": {"IotInstanceId": OVERDUE}}
    if kind == "invalid":
        return {"ProductKey": "a1", "Id": mine}
    if kind == "text":
        return f"no JSON {number}"
    if kind == "update":
        return wanted(name, Id=mine, IotInstanceId=GOOD, AliasName="New", OnExisting="update")
    return wanted(name, Id=mine, **place.get(kind, {"IotInstanceId": GOOD}))


@settings(max_examples=150, deadline=None)
@given(st.lists(KINDS, min_size=1, max_size=9), st.sampled_from([None, GOOD, NOWHERE]), st.booleans())
def test_in_any_company_the_outcome_is_the_one_by_itself(
    kinds: list[str],
    default: str | None,
    as_array: bool,
) -> None:
    def play(bodies: list[object]) -> dict[str, str]:
        here = cloud(default=default)
        assert isinstance(here.iot, Cloud)
        here.iot.may_update = False
        here.iot.add("a1", *(f"m{n}" for n, kind in enumerate(kinds) if kind == "update"), alias="Old")
        packed = as_array and not any(isinstance(body, str) for body in bodies)
        here.run(bodies) if packed else here.run(*bodies)
        return {
            line["id"]: line.get("reason") or line["status"] for line in here.log("request") if line["id"][0] == "r"
        }

    bodies = [of_kind(kind, number) for number, kind in enumerate(kinds)]
    together = play(bodies)
    alone = [play([body]) for body in bodies]
    assert together == {name: ends for each in alone for name, ends in each.items()}
