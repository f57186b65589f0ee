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

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.support.local import send
from tests.support.paths import ROOT
from tests.support.processes import runs
from tests.support.small_cloud import document, kept, options, written
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with local_cloud(options(tmp_path_factory.mktemp("cloud"))) as running:
        yield running


# The parts of the template


def test_an_asynchronous_stream_does_not_wait_for_the_function(tmp_path: Path) -> None:
    template = document()
    template["resources"]["queue"]["props"]["triggers"][0]["triggerConfig"]["asyncInvocationType"] = True
    template["resources"]["queue"]["props"]["handler"] = "samples.fail"
    with local_cloud(options(tmp_path, template)) as cloud:
        send(cloud, "hello")
        eventually(lambda: cloud.call(lambda parts: parts.streams[0].delivered) == 1)
        eventually(lambda: cloud.call(lambda parts: parts.fc.functions["ota-modules-queue"].counters.errors))


def test_the_template_decides_what_functions_there_are_and_what_they_may_do(cloud: LocalCloud) -> None:
    """Its HTTP trigger requires a signature; on loopback curl needs none. The function is there in the FC 2.0 form too."""
    assert httpx.get(f"{cloud.urls.fc}/ota-modules-http/x", timeout=30).status_code == 201
    wsgi = cloud.call(lambda parts: parts.fc.functions["ota-modules-http-wsgi"].config)
    assert (wsgi.wsgi, wsgi.service, wsgi.handler, wsgi.instances) == (True, "ota-modules", "samples.http", 1)
    assert wsgi.environment["OTA_QPS"] == "1"
    key = cloud.call(lambda parts: parts.accounts.issue("ota-modules"))
    assert cloud.call(lambda parts: parts.accounts.permits(key, "iot:CreateOTAModule", "*"))
    assert not cloud.call(lambda parts: parts.accounts.permits(key, "iot:DeleteOTAModule", "*"))


# Its start and end


def create(cloud: LocalCloud, key: str, name: str) -> None:
    cloud.call(lambda parts: parts.iot.products.create_module(parts.iot.products.find(key, None), name, "单片机", None))


def test_modules_queues_and_messages_outlive_the_process_where_there_is_a_folder(tmp_path: Path) -> None:
    """Queues take the attributes of a changed template; a product that is named again keeps its modules. One cloud uses it."""
    state: dict[str, Any] = {"state": tmp_path / "state", "products": [("a1Mine", None)]}
    with local_cloud(options(tmp_path, **state)) as cloud:
        cloud.call(lambda parts: parts.smq.send("ota-module-outcomes", "still here"))
        for key in ("a1Mine", "a1Fleet0001"):
            create(cloud, key, "mcu")
        products = cloud.call(lambda parts: list(parts.iot.products))
        with pytest.raises(OSError, match="another local cloud"), local_cloud(options(tmp_path, **state)):
            pass
    template = document()
    stack = template["resources"]["infra"]["props"]["template"]["Resources"]
    stack["Outcomes"]["Properties"]["VisibilityTimeout"] = 77
    stack["OutcomeSubscription"]["Properties"]["NotifyContentFormat"] = "JSON"
    with local_cloud(options(tmp_path, template, **state)) as cloud:
        assert cloud.call(lambda parts: list(parts.iot.products)) == products
        [message] = cloud.call(lambda parts: parts.smq.receive("ota-module-outcomes"))
        assert message.body == "still here"
        assert cloud.call(lambda parts: parts.smq.queues.get("ota-module-outcomes")).attributes.visibility_timeout == 77
        [subscription] = cloud.call(lambda parts: parts.smq.topics.subscriptions("ota-module-results"))
        assert subscription.notify_format == "JSON"


def test_all_servers_are_on_loopback_alone(cloud: LocalCloud) -> None:
    ports = {int(url.rpartition(":")[2]) for url in vars(cloud.urls).values()}
    connections = psutil.Process().net_connections()
    listening = [connection.laddr for connection in connections if connection.status == psutil.CONN_LISTEN]
    assert {address.ip for address in listening if address.port in ports} <= {"127.0.0.1", "::1"}
    assert ports <= {address.port for address in listening}


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A local cloud as a process of its own, whose function hangs."""
    template = document()
    template["resources"]["queue"]["props"]["handler"] = "samples.hang"
    command = [sys.executable, "-m", "tests.support.cloud_process", str(written(tmp_path, template))]
    environ = {**os.environ, "KEPT": str(tmp_path / "kept")}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environ, **pipes) as process:
        yield process
        process.kill()


def call_function(emulator: "subprocess.Popen[str]", folder: Path) -> tuple[str, int]:
    """Return the address of the page, and the process of a function that runs."""
    assert emulator.stdout
    urls = dict(re.findall(r"(\w+) (http://127\.0\.0\.1:\d+)", emulator.stdout.readline()))
    address = f"{urls['fc']}/2023-03-30/functions/ota-modules-queue/invocations"
    httpx.post(address, headers={"X-Fc-Invocation-Type": "Async"}, content=b"1", timeout=30)
    [pid] = eventually(lambda: kept(folder))
    return urls["console"], int(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything(emulator: "subprocess.Popen[str]", tmp_path: Path, number: signal.Signals) -> None:
    """At once and without an error, also while a page is open."""
    page, pid = call_function(emulator, tmp_path)
    with httpx.stream("GET", f"{page}/events", timeout=30) as events:
        lines = events.iter_lines()
        assert next(lines) == "event: hello"
        emulator.send_signal(number)
        assert list(lines)
    _, errors = emulator.communicate(timeout=30)
    assert (emulator.returncode, errors) == (0, "")
    assert not runs(pid)


@pytest.mark.parametrize("paused", [False, True])
def test_no_function_outlives_an_emulator_that_is_killed(
    emulator: "subprocess.Popen[str]", tmp_path: Path, paused: bool
) -> None:
    _, pid = call_function(emulator, tmp_path)
    if paused:
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    emulator.kill()
    emulator.wait()
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
