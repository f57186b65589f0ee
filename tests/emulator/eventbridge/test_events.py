"""The events that a stream builds from messages."""

import base64
import json
from typing import Any

import pytest

from emulator.eventbridge.config import QueueTrigger, StreamConfig
from emulator.eventbridge.events import build_event, build_payload
from emulator.smq.messages import Message, Properties


def config(**trigger: Any) -> StreamConfig:
    return StreamConfig(QueueTrigger(**{"name": "requests", "queue": "q", **trigger}), "f", "cn-shanghai", "123")


def message(body: str = "VEVTVA==") -> Message:
    return Message(1, "M1", body, 8, 1_617_862_697_093, 0, 0, 1, "handle", Properties())


def pushed(body: str, config: StreamConfig) -> Any:
    text = build_event(message(body), config, 1_634_281_594.028)
    return json.loads(build_payload([text.encode()], config))


def test_a_cloud_event_has_the_documented_form() -> None:
    events = pushed("VEVTVA==", config())
    assert events == [
        {
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
            "data": {"requestId": events[0]["data"]["requestId"], "messageId": "M1", "messageBody": "TEST"},
        }
    ]
    assert len(events[0]["data"]["requestId"]) == 24


def test_the_trigger_decides_the_form_of_an_event() -> None:
    assert pushed("VEVTVA==", config(mode="event-driven"))["data"]["messageBody"] == "TEST"
    assert sorted(pushed("VEVTVA==", config(event_schema="RawData"))[0]) == ["messageBody", "messageId", "requestId"]
    assert pushed("VEVTVA==", config(base64_decode=False))[0]["data"]["messageBody"] == "VEVTVA=="


@pytest.mark.parametrize("body", ['{"a":1}', "TEST", "模块", base64.b64encode(b"\xff").decode()])
def test_a_body_that_is_not_base64_of_text_stays_as_it_is(body: str) -> None:
    assert pushed(body, config())[0]["data"]["messageBody"] == body
