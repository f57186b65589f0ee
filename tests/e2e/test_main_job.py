"""The main job, from end to end, driven by the unmodified official SDKs and by curl."""

import json
import logging
import shutil
import statistics
import subprocess
from collections.abc import Callable
from operator import sub
from pathlib import Path
from typing import Any

import fc2
import pytest
from mns.account import Account
from mns.queue import Message

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from emulator.pulse import busiest_second
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from emulator.records import Arrival
from tests.support.local import Outcomes, changed_template
from tests.support.wrapping import queue_batch

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mns")
logging.getLogger().addHandler(logging.NullHandler())  # aliyun-fc2 would print whole requests where nobody listens
JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs go through a proxy of the environment even to this machine."""
    monkeypatch.setenv("no_proxy", "*")


def by_queue(cloud: LocalCloud, body: str) -> None:
    account = Account(cloud.urls.smq, ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    account.get_queue("ota-module-requests").send_message(Message(body))
    account.get_client().close_connection()


def by_curl(cloud: LocalCloud, body: str) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    url = f"{cloud.urls.fc}/ota-modules-http/modules"
    command = [curl, "--silent", url, "-H", "content-type: application/json", "-d", body]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert (answer["Id"], answer["Status"]) == ("by_curl", "created")


def by_invocation(cloud: LocalCloud, body: str) -> None:
    answer = json.loads(client(cloud).invoke_function("ota-modules", "ota-modules-http", body).data)
    assert (answer["created"], answer["outcomes"][0]["Id"]) == (1, "by_invocation")


def by_wsgi(cloud: LocalCloud, body: str) -> None:
    function = ("ota-modules", "ota-modules-http-wsgi")
    answer = client(cloud).do_http_request("POST", *function, "/modules", headers=JSON, body=body.encode())
    assert (answer.status_code, answer.json()["Status"]) == (201, "created")


def client(cloud: LocalCloud) -> Any:
    return fc2.Client(endpoint=cloud.urls.fc, accessKeyID=ACCESS_KEY_ID, accessKeySecret=ACCESS_KEY_SECRET)


@pytest.mark.parametrize(
    ("send", "function"), [(by_queue, "queue"), (by_curl, "http"), (by_invocation, "http"), (by_wsgi, "http-wsgi")]
)
def test_a_request_ends_as_created_whichever_way_it_is_sent(
    cloud: LocalCloud, outcomes: Outcomes, send: Callable[[LocalCloud, str], None], function: str
) -> None:
    """The SMQ SDK, the README's curl, fc2's invocation, and its HTTP trigger."""
    request = {"ProductKey": "a1Le6d0abcd", "ModuleName": send.__name__, "Id": send.__name__}
    send(cloud, json.dumps(request))
    event = outcomes.of(send.__name__)
    assert (event["type"], event["subject"]) == ("ota.module.created", f"a1Le6d0abcd/{send.__name__}")
    assert event["source"] == f"/ota-modules/cn-shanghai/ota-modules-{function}"


@pytest.mark.quiet
def test_a_batch_runs_at_the_quota_and_never_over_it(tmp_path: Path) -> None:
    """A hundred requests at 300 ms latency take what the quota says, and no second sees more than ten calls."""
    template = changed_template(tmp_path, {"qps_queue: '7'": "qps_queue: '9'"})
    with local_cloud(Options(port=0, template=template, limit=100)) as cloud:
        cloud.call(lambda parts: setattr(parts.iot, "latency", 0.3))
        requests = [{"ProductKey": f"a1Demo{n // 10 + 1:05d}", "ModuleName": f"m{n % 10}"} for n in range(100)]
        sdk = client(cloud)
        sdk.timeout = 120
        result = sdk.invoke_function("ota-modules", "ota-modules-queue", queue_batch(requests))
        events = cloud.call(lambda parts: list(parts.records.events))
        log = cloud.call(lambda parts: list(parts.fc.functions["ota-modules-queue"].lines))
    assert json.loads(result.data)["created"] == 100
    assert busiest_second(events)["CreateOTAModule"] <= 10
    moments = [event.moment for event in events if isinstance(event, Arrival) and event.operation == "CreateOTAModule"]
    assert statistics.median(map(sub, moments[1:], moments)) <= 1.1 / 9
    seconds = next(json.loads(line)["duration_s"] for line in log if '"summary"' in line)
    assert seconds <= 1.1 * 100 / 9
