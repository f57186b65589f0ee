"""Pipeline: from deliveries to outcomes, with nothing lost between them."""

import json

import pytest

from handler.errors import NotFinished
from handler.outcomes import Outcome, Unfinished
from handler.pipeline import PUT_BACK_IN_MARGIN, PUT_BACK_SECONDS
from handler.threads import Threads
from tests.support.fake_iot import busy, denied, lost_call, throttle
from tests.support.pipeline_world import message, wanted, world


def test_each_request_has_one_outcome_and_the_report_counts_them() -> None:
    here = world()
    here.iot.add("a1", "modem")
    report = here.run(wanted(), [wanted("modem"), wanted("bad name")], "not json", wanted("default"), {}, "[]")
    assert here.statuses() == here.box.tags == ["created", "existing", *["rejected"] * 5]
    assert report.summary() == {"created": 1, "existing": 1, "updated": 0, "rejected": 5, "failed": 0, "put_back": 0}
    assert here.iot.calls == ["CreateOTAModule", "CreateOTAModule", "ListOTAModuleByProduct"]


def test_copies_of_a_request_have_one_outcome_between_them() -> None:
    """A message delivered twice is one; requests that share an Id and want different things are none."""
    here = world()
    report = here.pipeline.run([message(1, wanted()), message(1, wanted())], here.invocation)
    assert [outcome.Status for outcome in report.outcomes] == ["created", "created"]
    assert len(here.box.published) == 1
    here = world()
    here.run(wanted(Id="mine", AliasName="Mcu"), wanted(Id="mine", AliasName="Other"))
    assert here.statuses() == ["created", "existing"]


def test_what_one_copy_of_a_request_knows_is_known_of_the_others() -> None:
    """Two deliveries have put it back, and only one of them had its create call's answer lost."""
    here = world()
    here.iot.add("a1", "mcu")
    here.run(wanted(Id="mine", Attempt=2), wanted(Id="mine", Attempt=3, Tried=999_000))
    assert here.statuses() == ["created"]
    assert here.iot.calls == ["ListOTAModuleByProduct"]


def test_copies_of_a_request_go_back_as_one() -> None:
    here = world(seconds=0.0)
    copies = [
        wanted(Id="mine", Tried=True, Since=999_007),
        wanted(Id="mine", Attempt=2, Tried=900, Updated=True),
        wanted(Id="mine", Tried=800, Theirs=True, Since=999_005),
    ]
    assert here.run(copies).put_back == 1
    assert here.back() == [wanted(Id="mine", Attempt=2, Since=999_005, Tried=800, Theirs=True)]


def test_requests_for_one_module_run_one_after_another_in_order() -> None:
    here = world(pool=Threads(8), OTA_IOT_INSTANCE_ID="iot-1")
    spelt = [wanted(), wanted("MCU"), wanted(IotInstanceId="iot-1")] * 2
    here.run(*({**each, "Id": f"r{n}"} for n, each in enumerate(spelt)), wanted("other"))
    mine = [event["causationid"] for event in here.box.published if event["subject"] != "a1/other"]
    assert mine == [f"r{n}" for n in range(6)]
    assert sorted(str(status) for status in here.statuses()) == ["created"] * 2 + ["existing"] * 5


def test_what_the_deadline_leaves_goes_back_without_an_attempt() -> None:
    here = world(seconds=0.0)
    report = here.run([wanted(Id="mine", AliasName="Mcu"), wanted("modem", Attempt=2, Since=999_005)])
    assert report.put_back == 2
    first = wanted(Id="mine", AliasName="Mcu", Since=1_000_000)
    assert here.back() == [[first, wanted("modem", Id="m0/2", Attempt=2, Since=999_005)]]
    assert all(1 <= each.delay <= 5 for each in here.box.back)
    assert here.box.published == []


def test_what_failed_goes_back_with_the_attempt_counted() -> None:
    """It says when a call may have had its effect, so that the next delivery reads back before it creates."""
    here = world(*[lost_call] * 99)
    here.run(wanted(Attempt=2))
    [back] = here.back()
    assert back == {**wanted(), "Id": "m0", "Attempt": 3, "Since": 1_000_000, "Tried": 1_000_000}
    assert 1 <= here.box.back[0].delay <= 30
    assert [line["level"] for line in here.log("request")] == ["WARNING"]


def test_the_last_attempt_ends_as_failed_and_in_the_dead_letter_queue() -> None:
    """A dead letter holds what is known of the request, the reason, and the outcome."""
    here = world(*[busy] * 99)
    here.run(wanted(Attempt=3, Id="mine"), wanted(Id="next"))
    assert here.said() == {"mine": "failed"}
    assert [(back["Id"], back["Attempt"]) for back in here.back()] == [("next", 2)]
    assert [line["level"] for line in here.log("request")] == ["ERROR", "WARNING"]
    [letter] = here.box.dead
    assert letter == {
        "Reason": "upstream", "Detail": "ServiceUnavailable: later",
        "Request": wanted(Id="mine", Attempt=3, Tried=1_000_000), "Outcome": here.box.published[0],
    }  # fmt: skip


def test_misconfiguration_costs_no_attempt_and_is_told_once() -> None:
    """Nobody is dead-lettered for a missing permission: all come again, in minutes."""
    here = world(*[denied] * 99)
    report = here.run(*(wanted(f"m{n}", Attempt=3) for n in range(5)))
    assert report.put_back == 5
    assert [back["Attempt"] for back in here.back()] == [3] * 5
    assert all(300 <= each.delay <= 900 for each in here.box.back)
    assert (here.box.dead, here.box.published) == ([], [])
    assert len(here.iot.calls) == 1
    [line] = here.log("misconfigured")
    assert (line["level"], line["operation"], line["code"]) == ("ERROR", "CreateOTAModule", "Forbidden.RAM")
    assert line["text"] == "not authorized"
    assert {line["level"] for line in here.log("request")} == {"ERROR"}


def test_where_nothing_can_be_put_back_the_batch_comes_again() -> None:
    for queue in (None, "requests"):
        here = world(seconds=0.0, OTA_REQUEST_QUEUE=queue)
        here.box.back_fails = lambda _message: True
        with pytest.raises(NotFinished, match="2 request"):
            here.run([wanted(), wanted("modem")])
        assert here.log("summary")[0]["lost"] == 2


@pytest.mark.parametrize(
    ("body", "back"),
    [
        ("not json", "not json"),
        ("", ""),
        ('{"ProductKey": "a1"}', {"ProductKey": "a1", "Id": "m0"}),
        ('{"ProductKey": "a1", "Id": "mine"}', {"ProductKey": "a1", "Id": "mine"}),
        ('[[{"ProductKey": "a1"}]]', [[{"ProductKey": "a1"}]]),
        ('[{"ProductKey": "a1"}]', {"ProductKey": "a1", "Id": "m0/1"}),
        ("[]", []),
    ],
)
def test_an_invalid_request_whose_outcome_is_not_accepted_comes_again(body: str, back: object) -> None:
    """As it came, under its Id where there is room for one: even that outcome is owed."""
    here = world()
    here.box.publish_fails = lambda _event: True
    assert here.run(body).put_back == 1
    [again] = here.box.back
    assert again.body == back or json.loads(again.body) == back
    here.box.publish_fails = lambda _event: False
    here.redeliver()
    assert (here.statuses(), here.iot.calls) == (["rejected"], [])


def test_the_more_there_is_to_put_back_the_sooner_it_begins() -> None:
    """The margin alone would not do for thousands of messages."""
    here, began = world(seconds=200.0), list[float]()
    here.box.before_batch = lambda: began.append(deadline - here.time.time)
    here.iot.products = {f"p{n}": {} for n in range(1000)}
    here.iot.after = lambda _action: here.time.clock.sleep(1.0)
    deadline = here.time.time + 200.0
    report = here.run(*(wanted(product=f"p{n}", Id=f"r{n}") for n in range(1000)))
    assert report.summary()["created"] + report.put_back == 1000
    assert report.put_back > 800
    assert min(began) >= (1000 - PUT_BACK_IN_MARGIN) * PUT_BACK_SECONDS - 1.0


def test_many_are_put_back_in_batches_of_sixteen() -> None:
    """What SMQ takes at once; nothing more behind a batch that is refused whole, for all of them come again anyway."""
    requests = [wanted(f"m{n}") for n in range(40)]
    here = world(denied)
    here.run(*requests)
    assert sorted(here.box.batches) == [8, 16, 16]
    here = world(denied)
    here.box.back_fails = lambda _message: True
    with pytest.raises(NotFinished, match="40 request"):
        here.run(*requests)
    assert (here.box.batches, here.box.back) == ([16], [])


def test_the_instance_of_the_settings_is_used_and_not_put_back() -> None:
    here, late = (world(seconds=seconds, OTA_IOT_INSTANCE_ID="iot-1") for seconds in (300.0, 0.0))
    here.run(wanted())
    late.run(wanted())
    assert here.box.published[0]["data"]["IotInstanceId"] == "iot-1"
    assert "IotInstanceId" not in late.back()[0]


def test_a_fault_of_ours_in_one_request_costs_no_other() -> None:
    here = world()
    here.box.publish_fails = lambda event: "mcu" in str(event) and 1 // 0 > 0
    report = here.run(wanted(), wanted("modem"))
    assert (report.summary()["created"], report.put_back) == (1, 1)
    assert here.back()[0]["Attempt"] == 2
    [line] = here.log("internal_error")
    assert (line["level"], line["error"], line["id"]) == ("ERROR", "ZeroDivisionError", "m0")
    assert "by zero" in line["text"]
    assert line["at"].startswith("test_pipeline.py:")


def test_an_http_request_is_answered_and_never_put_back() -> None:
    """Its outcome is published like any other; what is not finished its sender sends again."""
    here = world()
    [result] = here.pipeline.answer(message(1, wanted()), here.invocation)
    assert (isinstance(result, Outcome), here.statuses()) == (True, ["created"])
    here = world(*[busy] * 99)
    [result] = here.pipeline.answer(message(1, wanted(Attempt=9)), here.invocation)
    assert isinstance(result, Unfinished)
    assert (here.box.back, here.box.dead, here.box.published) == ([], [], [])


def test_one_line_a_request_and_one_for_the_invocation() -> None:
    here = world(throttle)
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    here.run(wanted(Id="r1", CorrelationId="c1", traceparent=trace, Since=999_900))
    request, summary = (json.loads(line) for line in here.lines)
    told = {"level": "INFO", "event": "request", "id": "r1", "status": "created", "correlation": "c1", "trace": trace}
    calls = {"calls": 2, "throttles": 1}
    assert request == request | told | calls | {"attempt": 1, "quota_wait_s": 0.0}
    assert summary == summary | calls | {"event": "summary", "created": 1, "batch": {"messages": 1, "requests": 1}}
    assert summary["oldest_s"] == pytest.approx(100.0, abs=1.0)
    assert "hidden" not in "".join(here.lines)
