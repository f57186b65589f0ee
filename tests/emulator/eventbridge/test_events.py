"""The events that a stream builds from messages."""

import base64
import json
from typing import Any

import pytest

from emulator.eventbridge.events import build_event, build_payload
from emulator.smq.messages import Message, Properties
from tests.emulator.eventbridge.played import make_config


def push(body: str = "VEVTVA==", **trigger: Any) -> Any:
    """Return the payload of a call with one message."""
    config = make_config(**trigger)
    message = Message(1, "M1", body, 8, 1_617_862_697_093, 0, 0, 1, "handle", Properties())
    return json.loads(build_payload([build_event(message, config, 1_634_281_594.028).encode()], config))


def test_a_cloud_event_has_the_documented_form() -> None:
    [event] = push()
    request_id = event["data"].pop("requestId")
    assert event == {
        "id": "M1",
        "source": "MNS-f-requests",
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "datacontenttype": "application/json; charset=utf-8",
        "subject": "acs:mns:cn-shanghai:123:queues/q",
        "time": "2021-04-08T06:18:17.093Z",
        "aliyunaccountid": "123",
        "aliyunpublishtime": "2021-10-15T07:06:34.028Z",
        "aliyunoriginalaccountid": "123",
        "aliyuneventbusname": "MNS-f-requests",
        "aliyunregionid": "cn-shanghai",
        "aliyunpublishaddr": "127.0.0.1",
        "data": {"messageId": "M1", "messageBody": "TEST"},
    }
    assert len(request_id) == 24


def test_the_trigger_decides_the_form_of_an_event() -> None:
    assert push(mode="event-driven")["data"]["messageBody"] == "TEST"
    assert sorted(push(event_schema="RawData")[0]) == ["messageBody", "messageId", "requestId"]
    assert push(base64_decode=False)[0]["data"]["messageBody"] == "VEVTVA=="


@pytest.mark.parametrize("body", ['{"a":1}', "TEST", "模块", base64.b64encode(b"\xff").decode()])
def test_a_body_that_is_not_base64_of_text_stays_as_it_is(body: str) -> None:
    assert push(body)[0]["data"]["messageBody"] == body
