"""The stream that `ota-modules pause` and `resume` switch, on an account; test_cancel has them on a local cloud."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from cli.clients import http
from cli.clients.openapi import OpenApi
from cli.clients.streams import Streams
from cli.clients.target import Target
from cli.errors import CloudError
from cli.records import Stream


class EventBridge:
    """Answers as EventBridge would, and notes what it is asked."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        self.asked: list[dict[str, str]] = []
        self._answers = list(answers)

    def __call__(self, url: str, method: str, headers: Mapping[str, str], body: bytes) -> http.Answer:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.asked.append({"Url": url, "Action": headers["x-acs-action"], "Version": headers["x-acs-version"], **form})
        return http.Answer(200, {}, json.dumps(self._answers.pop(0)).encode())


def listed(name: str, queue: str) -> dict[str, Any]:
    return {"EventStreamingName": name, "Status": "RUNNING", "Source": {"SourceMNSParameters": {"QueueName": queue}}}


def test_on_an_account_the_stream_is_found_by_its_queue(account: Target) -> None:
    """On whichever page it stands, and paused by its name."""
    ours, other = listed("eb-7", "ota-module-requests"), listed("x", "other")
    bridge = EventBridge(
        {"Success": True, "Data": {"EventStreamings": [other], "NextToken": "2"}},
        {"Success": True, "Data": {"EventStreamings": [ours, {"EventStreamingName": "kafka", "Source": {}}]}},
        {"Success": True},
    )
    streams = Streams(account, OpenApi(account, bridge))
    assert streams.find(on=False) == [Stream("eb-7", "RUNNING")]
    streams.switch("eb-7", on=False)
    assert bridge.asked[1]["NextToken"] == "2"
    assert bridge.asked[2] == {
        "Url": "https://eventbridge-console.cn-shanghai.aliyuncs.com/",
        "Action": "PauseEventStreaming",
        "EventStreamingName": "eb-7",
        "Version": "2020-04-01",
    }


@pytest.mark.parametrize(
    "answer", [{"Success": True, "Data": {}}, {"Success": False, "Code": "ServiceNotEnable", "Message": "no"}]
)
def test_where_no_stream_can_be_found_the_command_by_hand_is_named(account: Target, answer: dict[str, Any]) -> None:
    with pytest.raises(CloudError, match=r"triggerEnable: false.*npx s queue deploy"):
        Streams(account, OpenApi(account, EventBridge(answer))).find(on=False)
