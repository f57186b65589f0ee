"""Outcomes: one CloudEvent for each request, the same on every delivery."""

import base64
import json
import uuid
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import Misconfigured, NotSent, OutOfTime, SinkError, Throttled, Transient, Unanswered
from handler.messages import NOTHING, Invalid, Known, ModuleRequest, read
from handler.outcomes import Difference, Outcome, Status, Unfinished
from handler.smq import LARGEST_MESSAGE

SOURCE = "/ota-modules/cn-shanghai/ota-modules-queue"
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
FIELDS = {"ProductKey": "a1", "ModuleName": "MCU", "AliasName": "微控", "Desc": "d", "IotInstanceId": "iot-1"}
OWN = {"Id": "own-1", "CorrelationId": "c-1", "traceparent": TRACE}


def request(**fields: object) -> ModuleRequest:
    return ModuleRequest.model_validate({**FIELDS, **OWN, **fields})


def invalid(body: object) -> Invalid:
    [invalid] = read(body, "m1")
    assert isinstance(invalid, Invalid)
    return invalid


def event(outcome: Outcome) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(outcome.event(SOURCE, 1_700_000_000.9))
    return made


@pytest.mark.parametrize("status", ["created", "existing", "updated", "rejected", "failed"])
def test_an_outcome_is_a_cloudevent(status: Status) -> None:
    outcome = Outcome.of(request(Attempt=2), status, RequestId="r-1")
    assert event(outcome) == {
        "specversion": "1.0", "id": outcome.event_id, "source": SOURCE, "type": f"ota.module.{status}",
        "subject": "a1/MCU", "time": "2023-11-14T22:13:20Z", "datacontenttype": "application/json",
        "correlationid": "c-1", "causationid": "own-1", "traceparent": TRACE,
        "data": {"Status": status, **FIELDS, "RequestId": "r-1", "Attempts": 2, "CorrelationId": "c-1"},
    }  # fmt: skip


@given(
    st.binary(max_size=60) | st.dictionaries(st.sampled_from([*ModuleRequest.model_fields]), st.text(st.characters()))
)
def test_the_cloudevents_sdk_reads_the_outcome_of_whatever_was_sent(body: object) -> None:
    for found in read(body, "m1"):
        outcome = Outcome.invalid(found) if isinstance(found, Invalid) else Outcome.of(found, "created")
        read_back = JSONFormat().read(CloudEvent, outcome.event(SOURCE, 0))
        assert (read_back.get_id(), read_back.get_data()) == (outcome.event_id, outcome.data())


def test_what_is_not_known_is_left_out() -> None:
    """No nulls, and no empty subject, which CloudEvents forbids."""
    made = event(Outcome.invalid(invalid("not JSON")))
    assert made.keys() == {"specversion", "id", "source", "type", "time", "datacontenttype", "causationid", "data"}
    assert made["data"].keys() == {"Status", "Errors", "Attempts"}
    assert made["data"]["Errors"][0]["Field"] == ""
    assert "Drift" not in Outcome.of(request(), "existing", Drift={}).data()


def test_a_body_without_a_request_is_told_from_a_request_that_breaks_rules() -> None:
    assert [Outcome.invalid(invalid(body)).why for body in ("{", "5", "{}")] == ["unreadable", "unreadable", "invalid"]


def test_the_id_changes_with_the_request_and_not_with_the_delivery() -> None:
    """Nor with the version: a consumer keeps it, and would see every outcome again. What follows a replay is news."""
    ids = {
        Outcome.of(request(Attempt=attempt, ModuleName=name), status).event_id
        for attempt in (1, 2)
        for name in ("MCU", "mcu")
        for status in ("created", "existing", "failed")
    }
    assert ids == {"6273378f-ca63-5268-853d-dc0225525264"}
    others = [("Id", "own-2"), ("ProductKey", "a2"), ("ModuleName", "mcv"), ("IotInstanceId", None)]
    ids |= {Outcome.of(request(**{name: value}), "created").event_id for name, value in others}
    ids |= {Outcome.of(request(Replay=count), "created").event_id for count in (0, 1, 2)}
    assert len(ids) == 1 + len(others) + 2


@pytest.mark.parametrize("character", ["x", "\x00", '"', "微", "\U0001f600", "\U000e0041", "\ud800", "\U0010ffff"])
def test_the_largest_outcome_fits_into_a_message(character: str) -> None:
    """Base64 included, whatever is wrong with the request in whatever script, and whatever the API says."""
    text = character * 10_000
    wrong = dict.fromkeys(ModuleRequest.model_fields, text) | {f"{character * 200}{n}": text for n in range(100)}
    api = {"ErrorMessage": text, "Code": text, "RequestId": text}
    drift = {name: Difference(Wanted=text, Found=text) for name in ("ModuleName", "AliasName", "Desc")}
    largest = request(
        ProductKey="\U0001f600" * 64, ModuleName="m" * 64, AliasName="\U00020000" * 64, Desc='"' * 100,
        IotInstanceId="i" * 128, Id="\U0001f600" * 128, CorrelationId='"' * 128,
    )  # fmt: skip
    for outcome in (Outcome.invalid(invalid(wrong)), Outcome.of(largest, "rejected", Drift=drift, **api)):
        assert len(base64.b64encode(outcome.event(SOURCE, 0).encode())) <= LARGEST_MESSAGE


def test_an_id_is_a_uuid_in_which_no_two_keys_run_together() -> None:
    keys = (("a", "b"), ("ab", ""), ("", "ab"), (None, "ab"), ("ab", None))
    outcomes = [Outcome(Status="created", Id="r", IotInstanceId=place, ProductKey=key) for place, key in keys]
    ids = {outcome.event_id for outcome in outcomes}
    assert len(ids) == len(keys)
    assert all(str(uuid.UUID(each)) == each for each in ids)


def test_invalid_requests_that_share_an_id_are_told_apart() -> None:
    """By what is wrong with them, for they may have no key."""
    first, other, again = (
        Outcome.invalid(invalid({"Id": "job", **wrong})).event_id
        for wrong in ({"ModuleName": 5}, {"Desc": "x"}, {"ModuleName": 5})
    )
    assert first == again != other


def test_an_unfinished_request_comes_again_with_its_id() -> None:
    first = request(Replay=1).write_again(1000.9, Known(900, Theirs=True, Updated=True), counts=True)
    [second] = read(first, "another message")
    assert isinstance(second, ModuleRequest)
    assert second == request(Attempt=2, Since=1000, Tried=900, Theirs=True, Updated=True, Replay=1)
    [third] = read(second.write_again(2000.0, NOTHING, counts=False), "yet another")
    assert third == request(Attempt=2, Since=1000, Replay=1)


def test_what_is_not_finished_says_why_and_keeps_what_is_known() -> None:
    known = Known(Tried=900, Theirs=True)
    for error, reason, retry_after in (
        (OutOfTime("a slot", 4.5), "quota", 4.5),
        (OutOfTime("another try"), "deadline", 0.0),
        (Throttled("Throttling.User", retry_after=2.0), "quota", 2.0),
        (Misconfigured("NoPermission"), "misconfigured", 0.0),
        (Unanswered("NoAnswer"), "unanswered", 0.0),
        (NotSent("NotConnected"), "upstream", 0.0),
        (Transient("ServiceUnavailable"), "upstream", 0.0),
        (SinkError("results", "InternalError"), "sink", 0.0),
    ):
        unfinished = Unfinished.of(request(), error, known, counts=True)
        assert (unfinished.reason, unfinished.retry_after) == (reason, retry_after)
        assert (unfinished.known, unfinished.counts) == (known, True)
