"""A local cloud without functions, and a command line that talks to it."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp
from typer.testing import CliRunner

from cli.clients.names import Names
from cli.clients.target import Target, account_target, local_target
from cli.main import app
from emulator.iot import api as iot_api
from emulator.iot.service import IotPlatform
from emulator.ram.keys import Accounts
from emulator.smq.api import app as smq_api
from emulator.smq.service import MessageService
from handler.credentials import Credentials
from tests.cli.live import live as live
from tests.support.proxies import DEAD_PROXIES
from tests.support.publishing import Publisher

KEYS = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")


@dataclass(frozen=True)
class Cloud:
    """IoT Platform and SMQ on free ports, with the queues and the topic of template.yml."""

    target: Target
    environ: dict[str, str]
    platform: IotPlatform
    service: MessageService
    mailbox: Publisher

    @property
    def names(self) -> Names:
        return self.target.names

    def depth(self, queue: str) -> int:
        """How many messages a queue holds, received ones included."""
        return self.service.depths(queue).active + self.service.depths(queue).inactive

    def visible(self, queue: str) -> int:
        """How many messages of a queue can be received now."""
        return self.service.depths(queue).active

    def bodies(self, queue: str) -> list[str]:
        """What can be received from a queue now; it stays received."""
        return [message.body for message in self.mailbox.receive(queue)]


@pytest.fixture
def cloud(serve: Callable[[ASGIApp], str], tmp_path: Path) -> Iterator[Cloud]:
    accounts = Accounts()
    platform = IotPlatform(accounts)
    platform.quirks.list_shape = "array"
    service = MessageService(accounts)
    environ = {
        "OTA_IOT_ENDPOINT": serve(iot_api.application(platform)),
        "OTA_MNS_ENDPOINT": serve(smq_api.application(service)),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    target = local_target(environ)
    mailbox = Publisher(target)
    for queue in (target.names.request_queue, target.names.dead_letter_queue, target.names.outcome_queue):
        mailbox.create_queue(queue)
    mailbox.create_topic(target.names.result_topic)
    yield Cloud(target, environ, platform, service, mailbox)
    mailbox.close()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def ota_modules(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Command:
    """`ota_modules("plan", …)` runs a command, against `cloud` or `live` where the test has one."""
    for name in (*KEYS, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, url in DEAD_PROXIES.items():
        monkeypatch.setenv(name, url)
    clouds = [name for name in ("cloud", "live") if name in request.fixturenames]
    environ = request.getfixturevalue(clouds[0]).environ if clouds else {}

    def run(*arguments: str, text: str | None = None, **more: str) -> Ended:
        result = CliRunner().invoke(app, list(arguments), input=text, env={**environ, **more})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def outcome_maker(cloud: Cloud) -> Iterator[Callable[[Callable[[dict[str, Any]], dict[str, Any]]], object]]:
    """Stands where the function would: takes each request from the queue and publishes what `decide` makes of it."""
    stop = threading.Event()

    def work(decide: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        mailbox = Publisher(cloud.target)
        while not stop.is_set():
            for message in mailbox.receive(cloud.names.request_queue, seconds=1):
                request = json.loads(message.body)
                data = {name: request[name] for name in ("ProductKey", "ModuleName")} | decide(request)
                now = datetime.now(timezone.utc).isoformat()
                event = {"id": message.id, "causationid": request["Id"], "time": now, "data": data}
                mailbox.publish(cloud.names.result_topic, json.dumps(event))
                mailbox.delete(cloud.names.request_queue, [message.handle])
        mailbox.close()

    with ThreadPoolExecutor() as pool:
        yield lambda decide: pool.submit(work, decide)
        stop.set()


@pytest.fixture
def account() -> Target:
    """An account that nobody asks."""
    return account_target({}, Credentials("LTAI5tExample", "testsecret"), "1")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """`write(name, text)` makes a file and returns its path."""

    def make(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return make


@pytest.fixture
def wanted(write: Callable[[str, str], str]) -> Callable[..., str]:
    """`wanted("mcu", "modem")` is a manifest of modules for a1Demo00001."""
    line = '{{"ProductKey": "a1Demo00001", "ModuleName": "{}"}}\n'
    return lambda *names: write(f"{names[0]}.jsonl", "".join(map(line.format, names)))
