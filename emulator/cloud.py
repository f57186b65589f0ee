"""The whole local cloud: four servers on one asyncio loop, and what template.yml deploys on them."""

import asyncio
import contextlib
import logging
import random
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

from emulator import callers, deployment, fc, fc_api
from emulator.accounts import Accounts
from emulator.console.app import application as console
from emulator.faults import Service
from emulator.faulty_calls import FaultyFunctions, faulty
from emulator.faulty_http import FaultyApp, Reader, Surroundings
from emulator.injection import Faults
from emulator.instances import Instance
from emulator.iot import IotPlatform
from emulator.neighbours import Neighbours
from emulator.network import Network, Wire
from emulator.pulse import Pulse
from emulator.records import Records
from emulator.smq import MessageService
from emulator.stream_events import StreamConfig
from emulator.streams import EventStream, Outside
from emulator.workers import Workers

ROOT = Path(__file__).resolve().parent.parent
PORT = 9700
NAMES = ("console", "iot", "smq", "fc")
"""The servers, in the order of their ports."""
IDLE_CHECK = 5.0
LONGEST_START = 30.0
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How a local cloud is set up."""

    port: int = PORT
    """The page's; the other servers take the next three. 0 for free ones."""
    state: Path | None = None
    """A folder that outlives the process; without it everything is in memory."""
    template: Path = ROOT / "template.yml"
    packaged: bool = False
    """Run the code that the template names (dist/function) instead of the sources."""
    python: str | None = None
    seed: int = 0
    retry_scale: float = 1.0
    """Multiplies the waits between the retries of streams, topics and asynchronous calls."""
    delay_scale: float = 1.0
    """Multiplies the delays that senders of messages ask for."""
    limit: int = 10
    """Calls of one operation of the IoT API that pass in any second."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the functions, in place of the template's."""


@dataclass(frozen=True)
class Urls:
    """Where the servers are."""

    console: str
    iot: str
    smq: str
    fc: str


class Cloud:
    """The parts, wired. Everything in here belongs to the loop that `serve` runs on."""

    def __init__(self, options: Options, sockets: list[socket.socket]) -> None:
        self.options = options
        self.urls = Urls(*(f"http://127.0.0.1:{each.getsockname()[1]}" for each in sockets))
        self.began = time.time()
        self._sockets = sockets
        self.accounts = Accounts()
        self.records = Records()
        self.faults = Faults()
        self.network = Network()
        deployed = deployment.read(options.template, self.urls.smq)
        self.iot = IotPlatform(
            self.accounts, wall=lambda: time.time() + self.faults.shift("iot"), seed=options.seed, limit=options.limit
        )
        self.neighbours = Neighbours(self.faults, self.iot.consume)
        self.iot.load_products()
        self.smq = MessageService(
            self.accounts,
            path=_database(options.state),
            region=deployed.region,
            scale=options.retry_scale,
            delay_scale=options.delay_scale,
            records=self.records,
        )
        deployment.provision(deployed, self.smq, self.accounts)
        code = None if options.packaged else ROOT
        configs = deployment.functions(
            deployed, self.urls.iot, code, **({"python": options.python} if options.python else {})
        )
        configs = [replace(each, environment={**each.environment, **options.variables}) for each in configs]
        self.fc = FaultyFunctions(
            self.accounts, configs, region=deployed.region, outside=fc.Outside(scale=options.retry_scale)
        )
        self.workers = Workers(lambda: self.fc.instances, options.seed)
        self.fc.watch(self.records, self.faults, self.workers, self.network)
        deployment.connect(deployed, self.smq, self.fc)
        self.template = deployed
        self.streams = [
            EventStream(config, self.smq, self._caller(config), outside=Outside(scale=options.retry_scale))
            for config in deployment.streams(deployed, self.accounts.account_id)
        ]

    def _caller(self, stream: StreamConfig) -> Callable[[bytes], Awaitable[fc.Called]]:
        call = partial(self.fc.call, stream.function, asynchronous=stream.trigger.asynchronous)
        draws = random.Random(self.options.seed)
        return faulty(call, fc.Called(500), self.faults, stream.function, draws)

    def _faulty(self, app: ASGIApp, service: Service, read: Reader) -> ASGIApp:
        around = Surroundings(self.faults, self.accounts, self.network, self.workers, self.records)
        return FaultyApp(app, service, read, around)

    @property
    def instances(self) -> list[Instance]:
        return self.fc.instances

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve until the block is left; then nothing is left running."""
        apps: list[ASGIApp] = [
            console(self),
            self._faulty(self.iot.app, "iot", callers.of_iot),
            self._faulty(self.smq.app, "smq", partial(callers.of_smq, self.smq)),
            self._faulty(fc_api.application(self.fc), "fc", callers.of_fc),
        ]
        servers = [_Server(_config(app)) for app in apps]
        self.network.attach(dict(zip(NAMES, servers, strict=True)))
        tasks = [
            asyncio.create_task(server.serve([listening]))
            for server, listening in zip(servers, self._sockets, strict=True)
        ]
        serving = list(tasks)
        tasks += [asyncio.create_task(self._run(stream)) for stream in self.streams]
        endless = [self.neighbours.run(), Pulse(self.records).run(), self._end_idle()]
        background = [asyncio.create_task(each) for each in endless]
        try:
            while not all(server.started for server in servers):
                if any(each.done() for each in serving):
                    raise RuntimeError("a server of the local cloud did not start")
                await asyncio.sleep(0.01)
            yield
        finally:
            self.faults.clear()
            await self.network.restore()
            for stream in self.streams:
                stream.stop()
            await self.fc.stop()
            for server in servers:
                server.should_exit = True
            for each in background:
                each.cancel()
            await asyncio.gather(*tasks, *background, return_exceptions=True)
            self.smq.close()

    async def _run(self, stream: EventStream) -> None:
        """A stream, whose end by an error of its own must not go unnoticed."""
        try:
            await stream.run()
        except Exception:  # noqa: BLE001 - whatever it was, the other parts go on
            _log.exception("the stream %s has ended", stream.config.name)

    async def _end_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_CHECK)
            await self.fc.end_idle()


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs the local cloud."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _database(state: Path | None) -> str:
    if state is None:
        return ":memory:"
    state.mkdir(parents=True, exist_ok=True)
    return str(state / "smq.sqlite3")


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(app, http=Wire, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)


def _listening(port: int) -> list[socket.socket]:
    """A socket for each server, on loopback. Raises: OSError: a port is taken."""
    sockets = []
    try:
        for number, _name in enumerate(NAMES):
            # asyncio sets TCP_NODELAY only where the protocol is named; without it each reply takes 40 ms.
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sockets.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(("127.0.0.1", port + number if port else 0))
            made.listen(512)
    except OSError:
        for made in sockets:
            made.close()
        raise
    return sockets


async def run(options: Options, ready: Callable[[Cloud], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises: OSError: a port is taken; TemplateError."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cloud = _made(options)
    async with cloud.serving():
        ready(cloud)
        await stop.wait()


def _made(options: Options) -> Cloud:
    sockets = _listening(options.port)
    try:
        return Cloud(options, sockets)
    except BaseException:
        for each in sockets:
            each.close()
        raise


class LocalCloud:
    """A local cloud on a thread of its own, for tests and the command line."""

    def __init__(self, cloud: Cloud, loop: asyncio.AbstractEventLoop) -> None:
        self.cloud = cloud
        self.urls = cloud.urls
        self._loop = loop

    def call(self, function: Callable[[Cloud], T]) -> T:
        """Run something on the cloud's loop: its parts are not thread-safe."""

        async def on_loop() -> T:
            return function(self.cloud)

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(60)

    def wait(self, function: Callable[[Cloud], Awaitable[T]]) -> T:
        """Run something asynchronous on the cloud's loop, and wait for it."""

        async def on_loop() -> T:
            return await function(self.cloud)

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(60)


@contextmanager
def local_cloud(options: Options | None = None) -> Iterator[LocalCloud]:
    """A local cloud that runs while the block does. Raises: OSError: a port is taken; TemplateError."""
    cloud = _made(options or Options(port=0))
    loop = asyncio.new_event_loop()
    started, ending = threading.Event(), asyncio.Event()
    problems: list[BaseException] = []

    async def serve() -> None:
        try:
            async with cloud.serving():
                started.set()
                await ending.wait()
        except BaseException as error:
            problems.append(error)
            raise
        finally:
            started.set()

    thread = threading.Thread(target=lambda: _quietly(loop, serve()), name="local-cloud", daemon=True)
    thread.start()
    try:
        if not started.wait(LONGEST_START):
            raise TimeoutError(f"the local cloud did not start within {LONGEST_START:g} s")
        if problems:
            raise problems[0]
        yield LocalCloud(cloud, loop)
    finally:
        with contextlib.suppress(RuntimeError):  # The loop has ended already where it did not start.
            loop.call_soon_threadsafe(ending.set)
        thread.join(30)
        loop.close()


def _quietly(loop: asyncio.AbstractEventLoop, main: Awaitable[None]) -> None:
    with contextlib.suppress(Exception):
        loop.run_until_complete(main)
