"""The whole local cloud: its start and end, and the parts of template.yml."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from emulator.cloud import Cloud, Options
from emulator.local import LocalCloud, local_cloud
from emulator.template.variables import TemplateError
from tests.support.paths import ROOT
from tests.support.small_cloud import document, kept, options, send, written
from tests.support.waiting import eventually


def runs(pid: int) -> bool:
    """Return True if there is such a process, and not only its entry in a table."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with local_cloud(options(tmp_path)) as running:
        yield running


# The parts of the template


def test_a_message_reaches_the_function_through_the_stream(cloud: LocalCloud, tmp_path: Path) -> None:
    send(cloud, "hello")
    eventually(lambda: kept(tmp_path))
    [[event]] = kept(tmp_path)
    assert event["data"]["messageBody"] == "hello"
    eventually(lambda: cloud.call(_total) == 0)


def _total(parts: Cloud) -> int:
    depths = parts.smq.depths("ota-module-requests")
    return depths.active + depths.inactive + depths.delayed


def test_an_asynchronous_stream_does_not_wait_for_the_function(tmp_path: Path) -> None:
    template = document()
    template["resources"]["queue"]["props"]["triggers"][0]["triggerConfig"]["asyncInvocationType"] = True
    template["resources"]["queue"]["props"]["handler"] = "samples.fail"
    with local_cloud(options(tmp_path, template)) as cloud:
        send(cloud, "hello")
        eventually(lambda: cloud.call(lambda parts: parts.streams[0].delivered) == 1)
        eventually(lambda: cloud.call(lambda parts: parts.fc.functions["ota-modules-queue"].counters.errors))


def test_a_topic_trigger_calls_its_function(tmp_path: Path) -> None:
    template = document()
    arn = "acs:mns:cn-shanghai:1234567890123456:/topics/ota-module-results"
    trigger = {"triggerName": "results", "triggerType": "mns_topic", "sourceArn": arn, "triggerConfig": {}}
    template["resources"]["queue"]["props"]["triggers"].append(trigger)
    with local_cloud(options(tmp_path, template)) as cloud:
        cloud.call(lambda parts: parts.smq.publish("ota-module-results", '"published"'))
        eventually(lambda: kept(tmp_path) == ["published"])


def test_the_http_function_answers_unsigned_and_in_both_forms(cloud: LocalCloud) -> None:
    """The template's trigger requires a signature; on loopback curl needs none."""
    assert httpx.get(f"{cloud.urls.fc}/ota-modules-http/x", timeout=30).status_code == 201
    configs = cloud.call(lambda parts: {name: function.config for name, function in parts.fc.functions.items()})
    old = configs["ota-modules-http-wsgi"]
    assert (old.wsgi, old.service, old.handler, old.instances) == (True, "ota-modules", "samples.http", 1)
    assert old.environment["OTA_QPS"] == "1"


def test_the_role_of_the_template_decides_what_functions_may_do(cloud: LocalCloud) -> None:
    key = cloud.call(lambda parts: parts.accounts.issue("ota-modules"))
    assert cloud.call(lambda parts: parts.accounts.permits(key, "iot:CreateOTAModule", "*"))
    assert not cloud.call(lambda parts: parts.accounts.permits(key, "iot:DeleteOTAModule", "*"))


# Its start and end


def create(cloud: LocalCloud, key: str, name: str) -> None:
    cloud.call(lambda parts: parts.iot.products.create_module(parts.iot.products.find(key, None), name, "单片机", None))


def test_modules_queues_and_messages_outlive_the_process_where_there_is_a_folder(tmp_path: Path) -> None:
    """Queues take the attributes of a changed template; a product that is named again keeps its modules."""
    state: dict[str, Any] = {"state": tmp_path / "state", "products": [("a1Mine", None)]}
    with local_cloud(options(tmp_path, **state)) as cloud:
        cloud.call(lambda parts: parts.smq.send("ota-module-outcomes", "still here"))
        for key in ("a1Mine", "a1Fleet0001"):
            create(cloud, key, "mcu")
        products = cloud.call(lambda parts: list(parts.iot.products))
    template = document()
    made = template["resources"]["infra"]["props"]["template"]["Resources"]
    made["Outcomes"]["Properties"]["VisibilityTimeout"] = 77
    made["OutcomeSubscription"]["Properties"]["NotifyContentFormat"] = "JSON"
    with local_cloud(options(tmp_path, template, **state)) as cloud:
        assert cloud.call(lambda parts: list(parts.iot.products)) == products
        [message] = cloud.call(lambda parts: parts.smq.receive("ota-module-outcomes"))
        assert message.body == "still here"
        queue = cloud.call(lambda parts: parts.smq.queues.get("ota-module-outcomes"))
        assert queue.attributes.visibility_timeout == 77
        [subscription] = cloud.call(lambda parts: parts.smq.topics.subscriptions("ota-module-results"))
        assert subscription.notify_format == "JSON"


def test_a_template_that_cannot_be_carried_out_starts_nothing(tmp_path: Path) -> None:
    template = document()
    template["resources"]["infra"]["props"]["template"]["Resources"]["Requests"]["Type"] = "ALIYUN::ECS::Instance"
    with pytest.raises(TemplateError, match="ECS"), local_cloud(options(tmp_path, template)):
        pass


def test_all_servers_are_on_loopback_alone(cloud: LocalCloud) -> None:
    ports = {int(url.rpartition(":")[2]) for url in vars(cloud.urls).values()}
    connections = psutil.Process().net_connections()
    listening = [connection.laddr for connection in connections if connection.status == psutil.CONN_LISTEN]
    assert {address.ip for address in listening if address.port in ports} <= {"127.0.0.1", "::1"}
    assert ports <= {address.port for address in listening}


class Emulator:
    """A local cloud as a process of its own."""

    def __init__(self, folder: Path) -> None:
        template = document()
        template["resources"]["queue"]["props"]["handler"] = "stream_samples.hang"
        command = [sys.executable, "-m", "tests.support.cloud_process", str(written(folder, template))]
        environ = {**os.environ, "KEPT": str(folder / "kept")}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def url(self, name: str) -> str:
        """Return the URL of a server, from the output of the process."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        match = re.search(rf"{name} (http://127\.0\.0\.1:\d+)", line)
        assert match, line
        return match[1]

    def working(self, folder: Path) -> int:
        """Return the process of a running function."""
        url = self.url("fc") + "/2023-03-30/functions/ota-modules-queue/invocations"
        httpx.post(url, headers={"X-Fc-Invocation-Type": "Async"}, content=b"1", timeout=30)
        eventually(lambda: kept(folder))
        [pid] = kept(folder)
        return int(pid)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    started = Emulator(tmp_path)
    yield started
    started.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything(emulator: Emulator, tmp_path: Path, number: signal.Signals) -> None:
    pid = emulator.working(tmp_path)
    emulator.process.send_signal(number)
    _, errors = emulator.process.communicate(timeout=30)
    assert (emulator.process.returncode, errors) == (0, "")
    assert not runs(pid)


def test_no_function_outlives_an_emulator_that_is_killed(emulator: Emulator, tmp_path: Path) -> None:
    pid = emulator.working(tmp_path)
    emulator.process.kill()
    emulator.process.wait()
    eventually(lambda: not runs(pid))


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError), local_cloud(Options(port=port - 1)):
            pass
    socket.create_server(("127.0.0.1", port - 1)).close()


def test_localhost_may_be_an_address_of_ipv6(cloud: LocalCloud) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    url = cloud.urls.fc.replace("127.0.0.1", "[::1]")
    assert httpx.get(f"{url}/ota-modules-http/x", timeout=30).status_code == 201
    cloud.call(lambda parts: parts.network.refuse("fc", 0.1))
    cloud.wait(lambda parts: parts.network.restored())
    assert httpx.get(f"{url}/ota-modules-http/x", timeout=30).status_code == 201
