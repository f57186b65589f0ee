"""Faults on the way of streams, topics and HTTP to a function, and in its process."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulator.faults.injection import Faults
from emulator.faults.plan import Plan, Rule
from emulator.faults.processes import Processes
from emulator.fc.asynchronous import RETRIES
from emulator.local import LocalCloud, local_cloud
from tests.support.local import send
from tests.support.small_cloud import document, kept, options
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[LocalCloud]:
    template = document()
    arn = "acs:mns:cn-shanghai:1234567890123456:/topics/ota-module-results"
    trigger = {"triggerName": "results", "triggerType": "mns_topic", "sourceArn": arn, "triggerConfig": {}}
    props = template["resources"]["queue"]["props"]
    props["triggers"].append(trigger)
    hanging = {**props, "functionName": "hanging", "handler": "samples.hang", "triggers": []}
    template["resources"]["hanging"] = {"component": "fc3", "props": hanging}
    with local_cloud(options(folder, template, retry_scale=0.001)) as cloud:
        yield cloud


@pytest.fixture
def cloud(running: LocalCloud, folder: Path) -> Iterator[LocalCloud]:
    """With no events kept, and no faults."""
    (folder / "kept").unlink(missing_ok=True)
    yield running
    running.call(lambda parts: parts.faults.clear())
    running.wait(lambda parts: parts.network.restored())


def strike(cloud: LocalCloud, **rule: Any) -> None:
    only = Rule.model_validate({"service": "fc", "times": 1, **rule})
    cloud.call(lambda parts: parts.faults.set(Plan(rules=(only,))))


def counted(cloud: LocalCloud) -> tuple[int, int]:
    """Return how many calls the rule saw, and how many it struck."""
    return cloud.call(lambda parts: next((active.seen, active.fired) for active in parts.faults))


def publish(cloud: LocalCloud, text: str) -> None:
    cloud.call(lambda parts: parts.smq.publish("ota-module-results", json.dumps(text)))


@pytest.mark.parametrize(
    ("trigger", "rule", "calls", "runs"),
    [
        (send, {"kind": "delay", "seconds": 0.05, "after": True}, 1, 1),
        (send, {"kind": "status", "status": 429}, 2, 1),
        (send, {"kind": "empty", "status": 500, "after": True}, 2, 2),
        (send, {"kind": "drop"}, 2, 1),
        (send, {"kind": "drop", "after": True}, 2, 2),
        (publish, {"kind": "drop"}, 2, 1),
        (publish, {"kind": "status", "after": True}, 2, 2),
    ],
)
def test_streams_and_topics_deliver_again_what_was_not_answered(
    cloud: LocalCloud,
    folder: Path,
    trigger: Callable[[LocalCloud, str], None],
    rule: dict[str, Any],
    calls: int,
    runs: int,
) -> None:
    strike(cloud, **rule)
    trigger(cloud, "hello")
    eventually(lambda: (str(kept(folder)).count("hello"), counted(cloud)) == (runs, (calls, 1)))
    eventually(lambda: cloud.call(lambda parts: parts.streams[0].in_flight) == 0)


def test_a_stream_waits_for_an_answer_until_the_fault_is_ended(cloud: LocalCloud, folder: Path) -> None:
    strike(cloud, kind="headers-only")
    delivered = cloud.call(lambda parts: parts.streams[0].delivered)
    send(cloud, "hello")
    eventually(lambda: counted(cloud) == (1, 1))
    assert cloud.call(lambda parts: parts.streams[0].delivered) == delivered
    cloud.call(lambda parts: parts.faults.clear())
    eventually(lambda: cloud.call(lambda parts: parts.streams[0].delivered) == delivered + 1)
    assert len(kept(folder)) == 2


def call_later(cloud: LocalCloud, function: str) -> None:
    url = f"{cloud.urls.fc}/2023-03-30/functions/{function}/invocations"
    httpx.post(url, headers={"X-Fc-Invocation-Type": "Async"}, content="{}")


def test_each_try_of_an_asynchronous_call_can_be_killed(cloud: LocalCloud) -> None:
    strike(cloud, kind="kill", operation="hanging", times=None)
    call_later(cloud, "hanging")
    eventually(lambda: cloud.call(lambda parts: parts.fc.functions["hanging"].counters.errors) == 1 + RETRIES)
    assert counted(cloud) == (1 + RETRIES, 1 + RETRIES)


@pytest.mark.parametrize("kind", ["kill", "drop"])
def test_a_call_over_http_counts_once(cloud: LocalCloud, kind: str) -> None:
    """Though it is a call of the service and of the function."""
    strike(cloud, kind=kind, operation="ota-modules-http", nth=5)
    for _ in range(2):
        assert httpx.get(f"{cloud.urls.fc}/ota-modules-http/x", timeout=30).status_code == 201
    call_later(cloud, "ota-modules-http")
    eventually(lambda: counted(cloud) == (3, 0))


def test_a_rule_finds_its_words_in_the_event_of_every_trigger() -> None:
    """Also in an HTTP request, whose body has its letters escaped; other calls do not get the step."""
    faults = Faults()
    faults.add(Rule(service="fc", kind="kill", step="paced", contains='{"Desc": "条码"}'))
    tries = Processes(faults, list).around_try
    events = ['{"Desc": "条码"}', json.dumps({"rawPath": "/modules", "body": '{"Desc": "条码"}'})]
    with tries("f", events[0].encode()) as queue, tries("f", events[1].encode()) as http, tries("f", b"{}") as other:
        assert (queue, http, other) == (["paced"], ["paced"], [])
