"""The main job, from end to end, driven by the unmodified official SDKs."""

import base64
import json
import logging
import os
import shutil
import signal
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import sub
from pathlib import Path
from typing import Any

import fc2
import pytest
from alibabacloud_iot20180120.client import Client as IotClient
from alibabacloud_iot20180120.models import ListOTAModuleByProductRequest
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from mns.account import Account
from mns.queue import Message

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from emulator.pulse import busiest_second
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from emulator.records import Arrival
from tests.support.local import Outcomes, with_variables
from tests.support.waiting import eventually

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utcnow:DeprecationWarning",  # alibabacloud-iot20180120
    "ignore::DeprecationWarning:mns",
)
logging.getLogger().addHandler(logging.NullHandler())  # aliyun-fc2 would print whole requests where nobody listens

PRODUCT = "a1Le6d0abcd"


@pytest.fixture(autouse=True)
def no_keys_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old SDK prefers keys in the environment to the ones it is given; and others' SDKs go through any proxy."""
    for name in [name for name in os.environ if name.startswith(("ALIYUN_", "ALIBABA_CLOUD_")) or _is_proxy(name)]:
        monkeypatch.delenv(name)


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy")


def request(name: str, **more: object) -> dict[str, object]:
    return {"ProductKey": PRODUCT, "ModuleName": name, "Id": name, **more}


def send(local: LocalCloud, *bodies: object) -> None:
    """With the official SMQ SDK, as any producer does."""
    account = Account(local.urls.smq, ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    for body in bodies:
        account.get_queue("ota-module-requests").send_message(Message(json.dumps(body)))
    account.get_client().close_connection()


def test_a_request_sent_with_the_smq_sdk_ends_as_created(local: LocalCloud, outcomes: Outcomes) -> None:
    """Queue, stream, function, API, topic, queue."""
    send(local, request("by-queue", AliasName="Queue"))
    event = outcomes.of("by-queue")
    assert (event["type"], event["subject"], event["data"]["Status"]) == (
        "ota.module.created", f"{PRODUCT}/by-queue", "created",
    )  # fmt: skip
    assert event["source"] == "/ota-modules/cn-shanghai/ota-modules-queue"


def test_a_request_sent_with_curl_ends_as_created(local: LocalCloud, outcomes: Outcomes) -> None:
    """The README's command."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    command = [
        curl, "--silent", "--noproxy", "*", f"{local.urls.fc}/ota-modules-http/modules",
        "-H", "content-type: application/json", "-d", json.dumps(request("by-curl")),
    ]  # fmt: skip
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert (answer["Id"], answer["Status"]) == ("by-curl", "created")
    assert outcomes.of("by-curl")["data"]["Status"] == "created"


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/modules"), ("PUT", "/healthz")])
def test_what_the_http_function_does_not_take_it_says_itself(local: LocalCloud, method: str, path: str) -> None:
    """Not the trigger: its answer would not say what is allowed."""
    call = urllib.request.Request(f"{local.urls.fc}/ota-modules-http{path}", method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(call, timeout=60)
    with caught.value as told:
        assert (told.code, told.headers["Content-Type"]) == (405, "application/problem+json")
        assert told.headers["Allow"]


def client(local: LocalCloud) -> Any:
    return fc2.Client(endpoint=local.urls.fc, accessKeyID=ACCESS_KEY_ID, accessKeySecret=ACCESS_KEY_SECRET)


def test_a_request_sent_with_fc2_ends_as_created(local: LocalCloud, outcomes: Outcomes) -> None:
    """A bare request, invoked; the answer holds its outcome."""
    payload = json.dumps(request("by-fc2"))
    answer = json.loads(client(local).invoke_function("ota-modules", "ota-modules-http", payload).data)
    assert (answer["created"], answer["outcomes"][0]["Id"]) == (1, "by-fc2")
    assert outcomes.of("by-fc2")["data"]["Status"] == "created"


def test_the_fc_2_http_trigger_answers_the_same(local: LocalCloud, outcomes: Outcomes) -> None:
    """WSGI, through the SDK's do_http_request."""
    headers = {"content-type": "application/json"}
    body = json.dumps(request("by-wsgi")).encode()
    answer = client(local).do_http_request(
        "POST", "ota-modules", "ota-modules-http-wsgi", "/modules", headers=headers, body=body
    )
    assert (answer.status_code, answer.json()["Status"]) == (201, "created")
    assert outcomes.of("by-wsgi")["source"] == "/ota-modules/cn-shanghai/ota-modules-http-wsgi"


def test_the_modules_are_shown_by_the_classic_sdk(local: LocalCloud) -> None:
    """ListOTAModuleByProduct through AcsClient."""
    listing = CommonRequest(
        domain=local.urls.iot.removeprefix("http://"), version="2018-01-20", action_name="ListOTAModuleByProduct"
    )
    listing.set_protocol_type("http")
    listing.set_accept_format("json")
    listing.add_query_param("ProductKey", PRODUCT)
    local.call(lambda cloud: setattr(cloud.iot.quirks, "list_shape", "array"))
    body = AcsClient(ACCESS_KEY_ID, ACCESS_KEY_SECRET, "cn-shanghai").do_action_with_exception(listing)
    assert {"by-queue", "by-fc2"} <= {module["ModuleName"] for module in json.loads(body)["Data"]}


def test_the_modules_are_shown_by_the_newer_sdk(local: LocalCloud) -> None:
    """ListOTAModuleByProduct through alibabacloud-iot20180120, which signs in another way."""
    config = Config(
        access_key_id=ACCESS_KEY_ID, access_key_secret=ACCESS_KEY_SECRET, protocol="http",
        endpoint=local.urls.iot.removeprefix("http://"), region_id="cn-shanghai",
    )  # fmt: skip
    local.call(lambda cloud: setattr(cloud.iot.quirks, "list_shape", "array"))
    answer = IotClient(config).list_otamodule_by_product(ListOTAModuleByProductRequest(product_key=PRODUCT))
    assert {"by-queue", "by-fc2"} <= {module.module_name for module in answer.body.data}


def queue_event(requests: Sequence[dict[str, object]]) -> bytes:
    """A batch as an event stream pushes it."""
    attributes = {"source": "acs:mns", "specversion": "1.0", "type": "mns:Queue:SendMessage"}
    return json.dumps(
        [
            {**attributes, "id": f"e{number}", "data": {"messageId": f"m{number}", "messageBody": json.dumps(each)}}
            for number, each in enumerate(requests)
        ]
    ).encode()


@pytest.fixture
def whole_share(tmp_path: Path) -> Iterator[LocalCloud]:
    """A cloud whose queue function has nine calls a second, and would be let have more."""
    template = with_variables(tmp_path, qps_queue="9", batch_messages=200)
    with local_cloud(Options(port=0, template=template, limit=100)) as running:
        yield running


def modules(count: int) -> list[dict[str, object]]:
    """Requests for so many new modules, ten a product."""
    return [
        {"ProductKey": f"a1Demo{number // 10 + 1:05d}", "ModuleName": f"m{number % 10}", "Id": f"r{number}"}
        for number in range(count)
    ]


@pytest.mark.quiet
def test_a_batch_runs_at_the_quota_and_never_over_it(whole_share: LocalCloud) -> None:
    """A hundred requests at 300 ms latency take what the quota says, and no second sees more than ten calls."""
    whole_share.call(lambda cloud: setattr(cloud.iot, "latency", 0.3))
    answer = client(whole_share)
    answer.timeout = 120
    result = answer.invoke_function("ota-modules", "ota-modules-queue", queue_event(modules(100)))
    assert json.loads(result.data)["created"] == 100
    events = whole_share.call(lambda cloud: list(cloud.records.events))
    assert busiest_second(events)["CreateOTAModule"] <= 10
    moments = [event.moment for event in events if isinstance(event, Arrival) and event.operation == "CreateOTAModule"]
    assert statistics.median(map(sub, moments[1:], moments)) <= 1.1 / 9
    summary = whole_share.call(lambda cloud: list(cloud.fc.functions["ota-modules-queue"].lines))
    seconds = next(json.loads(line)["duration_s"] for line in summary if '"summary"' in line)
    assert seconds <= 1.1 * 100 / 9


def test_a_function_killed_in_the_middle_of_a_batch_loses_nothing(tmp_path: Path) -> None:
    """After redelivery every request has its outcome, and no module exists twice."""
    template = with_variables(tmp_path, qps_queue="9", batch_messages=40)
    with local_cloud(Options(port=0, template=template, retry_scale=0.05)) as local:
        outcomes = Outcomes(local)
        wanted = modules(40)
        local.call(lambda cloud: [cloud.smq.send("ota-module-requests", encoded(each)) for each in wanted])
        eventually(lambda: len(outcomes.collect()) >= 8, what="the first outcomes")
        [pid] = local.call(lambda cloud: [each.pid for each in cloud.fc.instances if each.state == "busy"])
        assert pid
        os.kill(pid, signal.SIGKILL)
        ids = {str(each["Id"]) for each in wanted}
        eventually(lambda: ids <= {event["causationid"] for event in outcomes.collect()}, 60, "every outcome")
        created = local.call(lambda cloud: Counter(_created(call) for call in cloud.iot.calls if _creates(call)))
        assert max(created.values()) == 1
        assert len(created) == 40
        by_request: dict[str, set[str]] = {}
        for event in outcomes.events:
            by_request.setdefault(event["causationid"], set()).add(event["id"])
            assert event["data"]["Status"] in ("created", "existing")
        assert all(len(found) == 1 for found in by_request.values())


def _creates(call: Any) -> bool:
    return bool(call.success and call.operation == "CreateOTAModule")


def _created(call: Any) -> str:
    return f"{call.parameters['ProductKey']}/{call.parameters['ModuleName']}"


def encoded(body: object) -> str:
    return base64.b64encode(json.dumps(body).encode()).decode()


def test_what_is_put_back_is_finished_by_a_later_delivery(tmp_path: Path) -> None:
    """An outage of the API that outlasts a delivery costs time, and no request."""
    template = with_variables(tmp_path, qps_queue="9", batch_messages=4)
    with local_cloud(Options(port=0, template=template)) as local:
        outcomes = Outcomes(local)
        local.call(lambda cloud: setattr(cloud.iot, "limit", 0))
        send(local, *modules(4))
        eventually(lambda: local.call(lambda cloud: cloud.iot.throttles), what="a throttle")
        local.call(lambda cloud: setattr(cloud.iot, "limit", 10))
        assert {outcomes.of(f"r{number}", 60)["data"]["Status"] for number in range(4)} == {"created"}


def test_nothing_is_left_running_when_the_cloud_stops(tmp_path: Path) -> None:
    """Its processes end with it."""
    with local_cloud(Options(port=0)) as local:
        client(local).invoke_function("ota-modules", "ota-modules-http", json.dumps(request("last")))
        pids = local.call(lambda cloud: [each.pid for each in cloud.fc.instances])
    assert pids
    end = time.monotonic() + 10
    while any(pid is not None and Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.05)
