"""Pipeline: from deliveries to outcomes, with nothing lost between them."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.credentials import Credentials
from handler.errors import NotFinished, SinkError
from handler.iot import IotApi
from handler.log import Log
from handler.outcomes import Outcome, Unfinished
from handler.pipeline import PUT_BACK_IN_MARGIN, PUT_BACK_SECONDS, Invocation, Limits, Pipeline, Report
from handler.smq import Message
from handler.threads import Pool, Task, Threads
from handler.triggers import Delivery
from tests.support.fake_iot import (
    FakeClock,
    FakeIot,
    Fault,
    FreeQuota,
    busy,
    chances,
    denied,
    lost_call,
    lost_reply,
    refused_connection,
    throttle,
)


def one_by_one(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task()


@dataclass
class Box:
    """Sinks that keep what they take, and fail as they are told."""

    published: list[dict[str, object]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    back: list[Message] = field(default_factory=list)
    dead: list[dict[str, object]] = field(default_factory=list)
    publish_fails: Callable[[dict[str, object]], bool] = lambda _event: False
    back_fails: Callable[[Message], bool] = lambda _message: False

    def publish(self, body: str, tag: str) -> None:
        event = json.loads(body)
        if self.publish_fails(event):
            raise SinkError("results", "InternalError")
        self.published.append(event)
        self.tags.append(tag)

    def dead_letter(self, body: str) -> None:
        self.dead.append(json.loads(body))

    def put_back(self, messages: Sequence[Message]) -> list[Message]:
        refused = [message for message in messages if self.back_fails(message)]
        self.back += [message for message in messages if message not in refused]
        return refused


@dataclass
class World:
    """A pipeline with its surroundings."""

    iot: FakeIot = field(default_factory=lambda: FakeIot({"a1": {}, "a2": {}}))
    box: Box = field(default_factory=Box)
    time: FakeClock = field(default_factory=FakeClock)
    lines: list[str] = field(default_factory=list)
    limits: Limits = Limits(max_attempts=3, on_existing="keep", instance=None, has_queue=True)
    seconds: float = 300.0
    pool: Pool = one_by_one

    @property
    def pipeline(self) -> Pipeline:
        numbers = chances()
        api = IotApi("cn-shanghai", self.iot, FreeQuota(), self.time.clock, 10.0)
        return Pipeline(api, self.limits, self.pool, self.time.clock, lambda: next(numbers))

    @property
    def invocation(self) -> Invocation:
        keys = Credentials("testid", "hidden-secret", "hidden-token")
        log = Log(write=self.lines.append).bind(secrets=("hidden-secret", "hidden-token"))
        return Invocation(lambda: keys, self.time.time + self.seconds, self.box, log, "/ota-modules/cn-shanghai/f")

    def run(self, *bodies: object) -> Report:
        return self.pipeline.run([message(n, body) for n, body in enumerate(bodies)], self.invocation)

    def statuses(self) -> list[object]:
        return [event["data"]["Status"] for event in self.box.published]  # type: ignore[index]


def world(*faults: Fault, **more: object) -> World:
    return World(iot=FakeIot({"a1": {}, "a2": {}}, deque(faults)), **more)  # type: ignore[arg-type]


def message(number: int, body: object) -> Delivery:
    return Delivery(f"m{number}", body if isinstance(body, str) else json.dumps(body), "smq")


def wanted(name: str = "mcu", product: str = "a1", **more: object) -> dict[str, object]:
    return {"ProductKey": product, "ModuleName": name, **more}


def test_each_request_has_one_outcome_and_the_report_counts_them() -> None:
    """Created, existing and rejected side by side."""
    here = world()
    here.iot.add("a1", "modem")
    report = here.run(wanted(), [wanted("modem"), wanted("bad name")], "not json")
    assert here.statuses() == ["created", "existing", "rejected", "rejected"]
    assert report.summary() == {"created": 1, "existing": 1, "updated": 0, "rejected": 2, "failed": 0, "put_back": 0}


def test_outcomes_are_tagged_with_their_status() -> None:
    """Subscribers filter by tag."""
    here = world()
    here.run(wanted())
    assert here.box.tags == ["created"]


def test_an_invalid_request_causes_no_call() -> None:
    """Checked before the API is asked."""
    here = world()
    here.run(wanted(ModuleName="default"), {}, "[]")
    assert here.iot.calls == []
    assert here.statuses() == ["rejected"] * 3


def test_the_outcomes_id_is_the_same_on_every_delivery() -> None:
    """Whatever becomes of it the second time."""
    here = world()
    here.run(wanted())
    here.run(wanted())
    first, second = here.box.published
    assert first["id"] == second["id"]
    assert [first["type"], second["type"]] == ["ota.module.created", "ota.module.existing"]


def test_a_message_twice_in_a_batch_is_one_request() -> None:
    """The duplicate is not told that the module was there."""
    here = world()
    report = here.pipeline.run([message(1, wanted()), message(1, wanted())], here.invocation)
    assert [outcome.Status for outcome in report.outcomes] == ["created", "created"]
    assert len(here.box.published) == 1


def test_what_one_copy_of_a_request_knows_is_known_of_the_others() -> None:
    """Two deliveries have put it back, and only one of them had its create call's answer lost."""
    here = world()
    here.iot.add("a1", "mcu")
    here.run(wanted(Id="mine", Attempt=2), wanted(Id="mine", Attempt=3, Tried=True))
    assert here.statuses() == ["created"]
    assert here.iot.calls == ["ListOTAModuleByProduct"]


def test_copies_of_a_request_go_back_as_one() -> None:
    """With all that is known of it, and with the attempts of the copy that has the most."""
    here = world(seconds=0.0)
    report = here.run(wanted(Id="mine", Tried=True), wanted(Id="mine", Attempt=2), wanted(Id="mine", Theirs=True))
    [back] = (json.loads(each.body) for each in here.box.back)
    assert back == wanted(Id="mine", Attempt=3, Tried=True, Theirs=True)
    assert report.put_back == 1


def test_requests_with_one_id_that_want_different_things_are_no_copies() -> None:
    """Each is told what became of its own wish."""
    here = world()
    here.run(wanted(Id="mine", AliasName="Mcu"), wanted(Id="mine", AliasName="Other"))
    assert here.statuses() == ["created", "existing"]


def test_requests_for_one_module_run_one_after_another_in_order() -> None:
    """Names are compared without case; other modules run side by side."""
    here = world(pool=Threads(8))
    here.run(*(wanted("MCU" if n % 2 else "mcu", Id=f"r{n}") for n in range(6)), wanted("other"))
    mine = [event["causationid"] for event in here.box.published if event["subject"] != "a1/other"]
    assert mine == [f"r{n}" for n in range(6)]
    assert sorted(str(status) for status in here.statuses()) == ["created"] * 2 + ["existing"] * 5


def test_what_the_deadline_leaves_goes_back_with_the_attempt_counted() -> None:
    """With its Id, so that the outcome keeps its own, and a delay."""
    here = world(seconds=0.0)
    report = here.run(wanted(Id="mine", AliasName="Mcu"), wanted("modem", Attempt=2))
    assert report.put_back == 2
    first, second = (json.loads(each.body) for each in here.box.back)
    assert first == {**wanted(AliasName="Mcu"), "Id": "mine", "Attempt": 2}
    assert (second["Id"], second["Attempt"]) == ("m1", 3)
    assert all(each.delay >= 1 for each in here.box.back)
    assert here.box.published == []


def test_what_may_have_had_an_effect_says_so_when_it_goes_back() -> None:
    """So that the next delivery reads back before it creates."""
    here = world(*[lost_call] * 99)
    here.run(wanted())
    assert json.loads(here.box.back[0].body)["Tried"] is True


def test_the_last_attempt_ends_as_failed_and_in_the_dead_letter_queue() -> None:
    """With the reason, the request and the outcome."""
    here = world(*[busy] * 99)
    here.run(wanted(Attempt=3, Id="mine"))
    assert here.statuses() == ["failed"]
    [letter] = here.box.dead
    assert letter["Reason"] == "upstream"
    assert letter["Request"] == {**wanted(Id="mine", Attempt=3), "Tried": True, "Theirs": False}
    assert letter["Outcome"] == here.box.published[0]
    assert here.box.back == []


def test_misconfiguration_costs_no_attempt_and_raises() -> None:
    """The platform keeps the batch; nobody is dead-lettered for a missing permission."""
    here = world(*[denied] * 99)
    with pytest.raises(NotFinished, match=r"Forbidden\.RAM"):
        here.run(*(wanted(f"m{n}", Attempt=3) for n in range(5)))
    assert (here.box.back, here.box.dead, here.box.published) == ([], [], [])
    assert len(here.iot.calls) == 1


def test_an_outcome_that_is_not_accepted_is_not_acknowledged() -> None:
    """The request goes back, knowing that the module may be its own."""
    here = world()
    here.box.publish_fails = lambda event: event["subject"] == "a1/mcu"
    report = here.run(wanted(), wanted("modem"))
    assert (report.summary()["created"], report.put_back) == (1, 1)
    here.box.publish_fails = lambda _event: False
    here.run(json.loads(here.box.back[0].body))
    assert here.statuses() == ["created", "created"]


def test_where_nothing_can_be_put_back_the_batch_comes_again() -> None:
    """No queue, or a queue that is down: raising is all that is left."""
    for here in (world(seconds=0.0, limits=Limits(3, "keep", None, has_queue=False)), world(seconds=0.0)):
        here.box.back_fails = lambda _message: True
        with pytest.raises(NotFinished, match="2 request"):
            here.run(wanted(), wanted("modem"))


def test_an_invalid_request_whose_outcome_is_not_accepted_comes_again() -> None:
    """Even that outcome is owed."""
    here = world()
    here.box.publish_fails = lambda _event: True
    with pytest.raises(NotFinished):
        here.run("not json")


def test_the_more_there_is_to_put_back_the_sooner_it_begins() -> None:
    """A batch too large for one delivery ends all the same: the margin alone would not do for thousands."""
    began: list[float] = []

    class Noting(Box):
        def put_back(self, messages: Sequence[Message]) -> list[Message]:
            began.append(deadline - here.time.time)
            return super().put_back(messages)

    here = world(seconds=100.0, box=Noting())
    here.iot.products = {f"p{n}": {} for n in range(1000)}
    here.iot.after = lambda _action: here.time.clock.sleep(1.0)
    deadline = here.time.time + 100.0
    report = here.run([wanted(product=f"p{n}", Id=f"r{n}") for n in range(1000)])
    assert report.summary()["created"] + report.put_back == 1000
    assert report.put_back > 900
    assert min(began) >= (report.put_back - PUT_BACK_IN_MARGIN) * PUT_BACK_SECONDS - 1.0


def test_nothing_is_put_back_where_the_batch_comes_again_anyway() -> None:
    """Each of its deliveries would leave another copy in the queue, for as long as the platform tries."""
    here = world()
    here.box.publish_fails = lambda _event: True
    with pytest.raises(NotFinished, match="4 request"):
        here.run("not json", *(wanted(f"m{n}") for n in range(3)))
    assert here.box.back == []


def test_many_are_put_back_in_batches_of_sixteen() -> None:
    """What SMQ takes at once."""
    sizes: list[int] = []

    class Counting(Box):
        def put_back(self, messages: Sequence[Message]) -> list[Message]:
            sizes.append(len(messages))
            return super().put_back(messages)

    here = world(seconds=0.0, box=Counting())
    here.run([wanted(f"m{n}") for n in range(40)])
    assert sorted(sizes) == [8, 16, 16]


def test_the_instance_of_the_settings_is_used_and_not_put_back() -> None:
    """A request that names none stays one that names none."""
    here = world(limits=Limits(3, "keep", "iot-1", has_queue=True))
    here.run(wanted())
    assert here.box.published[0]["data"]["IotInstanceId"] == "iot-1"  # type: ignore[index]
    late = world(seconds=0.0, limits=Limits(3, "keep", "iot-1", has_queue=True))
    late.run(wanted())
    assert "IotInstanceId" not in json.loads(late.box.back[0].body)


def test_a_fault_of_ours_in_one_request_costs_no_other() -> None:
    """It comes again, and the log names it."""
    here = world()

    def bug(_event: object) -> bool:
        if "mcu" in str(_event):
            raise ZeroDivisionError
        return False

    here.box.publish_fails = bug
    report = here.run(wanted(), wanted("modem"))
    assert (report.summary()["created"], report.put_back) == (1, 1)
    assert any("ZeroDivisionError" in line for line in here.lines)


def test_an_http_request_is_answered_and_never_put_back() -> None:
    """Its sender sends it again."""
    here = world(*[busy] * 99)
    [result] = here.pipeline.answer(message(1, wanted(Attempt=9)), here.invocation)
    assert isinstance(result, Unfinished)
    assert (here.box.back, here.box.dead, here.box.published) == ([], [], [])


def test_an_http_request_publishes_its_outcome_too() -> None:
    """One outcome for every request, however it came."""
    here = world()
    [result] = here.pipeline.answer(message(1, wanted()), here.invocation)
    assert isinstance(result, Outcome)
    assert here.statuses() == ["created"]


def test_one_line_a_request_and_one_for_the_invocation() -> None:
    """Status, attempts, waits; counts, calls, throttles; no secret."""
    here = world(throttle)
    here.run(wanted(Id="r1", CorrelationId="c1"))
    lines = [json.loads(line) for line in here.lines]
    assert (lines[0]["event"], lines[0]["id"], lines[0]["status"], lines[0]["correlation"]) == (
        "request",
        "r1",
        "created",
        "c1",
    )
    assert (lines[0]["attempt"], lines[0]["calls"], lines[0]["throttles"]) == (1, 2, 1)
    assert (lines[1]["event"], lines[1]["created"], lines[1]["calls"], lines[1]["throttles"]) == ("summary", 1, 2, 1)
    assert "hidden" not in "".join(here.lines)


FAULTS = st.lists(st.sampled_from([busy, lost_call, lost_reply, refused_connection, throttle, denied]), max_size=40)


@settings(max_examples=100)
@given(FAULTS, st.lists(st.integers(0, 4), min_size=1, max_size=12), st.sets(st.integers(0, 60)), st.floats(0, 60))
def test_every_request_ends_in_an_outcome_or_comes_again(
    faults: list[Fault], names: list[int], lost: set[int], seconds: float
) -> None:
    """Whatever fails: published, put back, dead-lettered, or the whole batch is raised for."""
    here = world(*faults, seconds=seconds)
    sent = iter(range(1000))
    here.box.publish_fails = lambda _event: next(sent) in lost
    here.box.back_fails = lambda _message: next(sent) in lost
    try:
        here.run(*(wanted(f"m{name}", Id=f"r{n}") for n, name in enumerate(names)))
    except NotFinished:
        return
    ended = {str(event["causationid"]) for event in here.box.published}
    ended |= {json.loads(each.body)["Id"] for each in here.box.back}
    assert ended == {f"r{n}" for n in range(len(names))}
