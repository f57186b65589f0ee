"""A local cloud without functions, a whole one, and a command line that talks to either."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mns.topic import Base64TopicMessage, TopicMeta
from starlette.types import ASGIApp
from typer.testing import CliRunner

from cli.clients.smq import Mailbox
from cli.clients.target import Target, account_target, local_target
from cli.main import app
from emulator.cloud import Options
from emulator.iot import api as iot_api
from emulator.iot.service import IotPlatform
from emulator.local import LocalCloud, local_cloud
from emulator.ram.keys import Accounts
from emulator.smq.api import app as smq_api
from emulator.smq.service import MessageService
from handler.credentials import Credentials
from tests.support.command import DEAD_PROXIES, endpoints
from tests.support.json_schemas import faults
from tests.support.paths import ROOT

KEYS = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
SCHEMA = json.loads((ROOT / "events/cli.schema.json").read_text(encoding="utf-8"))
Object = dict[str, Any]


class Publisher(Mailbox):
    """A mailbox that publishes, too: what the function does, and no command."""

    def create_topic(self, topic: str) -> None:
        self._call("publish", lambda: self._account.get_topic(topic).create(TopicMeta()))

    def publish(self, topic: str, body: str) -> None:
        self._call("publish", lambda: self._account.get_topic(topic).publish_message(Base64TopicMessage(body)))


class Cloud(NamedTuple):
    """IoT Platform and SMQ on free ports, with the queues and the topic of template.yml."""

    target: Target
    environ: Mapping[str, str]
    platform: IotPlatform
    service: MessageService
    mailbox: Publisher

    def depth(self, queue: str) -> int:
        """Return how many messages a queue holds, received ones included."""
        return self.service.depths(queue).active + self.service.depths(queue).inactive

    @property
    def queued(self) -> int:
        """Return how many messages the request queue holds."""
        return self.depth(self.target.names.request_queue)

    def requests(self) -> list[Object]:
        """Receive up to 16 messages of the request queue, which stay received."""
        return [json.loads(message.body) for message in self.mailbox.receive(self.target.names.request_queue)]

    def publish(self, event: Mapping[str, Any]) -> None:
        self.mailbox.publish(self.target.names.result_topic, json.dumps(event))

    def create(self, product: str, name: str, alias: str | None = None) -> None:
        """Create a module, before anybody sends a request for it."""
        products = self.platform.products
        products.create_module(products.find(product, None), name, alias, None)


@pytest.fixture
def cloud(serve: Callable[[ASGIApp], str], tmp_path: Path) -> Iterator[Cloud]:
    accounts = Accounts()
    platform, service = IotPlatform(accounts), MessageService(accounts)
    platform.quirks.list_shape = "array"
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


class Live(NamedTuple):
    """A whole local cloud that runs."""

    cloud: LocalCloud
    environ: Mapping[str, str]

    @property
    def queued(self) -> int:
        """Return how many messages the request queue holds."""
        depths = self.cloud.call(lambda cloud: cloud.smq.depths("ota-module-requests"))
        return depths.active + depths.inactive + depths.delayed

    @property
    def stream(self) -> str:
        """Return the state of the stream from the request queue."""
        return self.cloud.call(lambda cloud: cloud.streams[0].state)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run a local cloud; the commands of a test share their state."""
    with local_cloud(Options(port=0)) as cloud:
        yield Live(cloud, {**endpoints(cloud), "XDG_STATE_HOME": str(tmp_path / "state")})


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[Any]:
        """Return what it printed as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def ota_modules(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[..., Ended]:
    """`ota_modules("plan", …)` runs a command, against `cloud` or `live` where the test has one.

    Each line that it prints with --json must be a record of events/cli.schema.json.
    """
    for name in (*KEYS, "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**DEAD_PROXIES, "XDG_STATE_HOME": str(request.getfixturevalue("tmp_path"))}.items():
        monkeypatch.setenv(name, value)
    clouds = [name for name in ("cloud", "live") if name in request.fixturenames]
    environ = request.getfixturevalue(clouds[0]).environ if clouds else {}

    def run(*arguments: str, text: str | None = None, **more: str) -> Ended:
        result = CliRunner().invoke(app, list(arguments), input=text, env={**environ, **more})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        ended = Ended(result.exit_code, result.stdout, result.stderr)
        if "--json" in arguments:
            assert [problem for record in ended.records for problem in faults(record, SCHEMA)] == []
        return ended

    return run


@pytest.fixture
def answer(cloud: Cloud) -> Iterator[Callable[..., list[Object]]]:
    """`answer(decide)` returns the requests that it takes as the function would, and publishes what `decide` makes of each."""
    stop = threading.Event()
    taken: list[Object] = []

    def work(decide: Callable[[Object], Object]) -> None:
        mailbox = Publisher(cloud.target)
        while not stop.wait(0.02):
            for message in mailbox.receive(cloud.target.names.request_queue):
                request = json.loads(message.body)
                taken.append(request)
                data = {name: request[name] for name in ("ProductKey", "ModuleName")} | decide(request)
                now = datetime.now(timezone.utc).isoformat()
                event = {"id": message.id, "causationid": request["Id"], "time": now, "data": data}
                mailbox.publish(cloud.target.names.result_topic, json.dumps(event))
                mailbox.delete(cloud.target.names.request_queue, [message.handle])
        mailbox.close()

    def start(decide: Callable[[Object], Object] = lambda _request: {"Status": "created"}) -> list[Object]:
        pool.submit(work, decide)
        return taken

    with ThreadPoolExecutor() as pool:
        yield start
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
def manifest_of(write: Callable[[str, str], str]) -> Callable[..., str]:
    """`manifest_of("mcu", "modem")` is a manifest of modules of a1Demo00001."""
    line = '{{"ProductKey": "a1Demo00001", "ModuleName": "{}"}}\n'
    return lambda *names: write(f"{names[0]}.jsonl", "".join(map(line.format, names)))
