"""Builds the parts of the local cloud, and deploys template.yml on them."""

import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from emulator.clock import Clock
from emulator.eventbridge.config import StreamConfig
from emulator.eventbridge.streams import CEILING, EventStream
from emulator.faults.injection import Faults
from emulator.faults.network import Network
from emulator.faults.processes import Processes
from emulator.faults.streams import deliver_wrongly
from emulator.fc.client import Called, call
from emulator.fc.service import FunctionCompute
from emulator.iot.answers import read_answers
from emulator.iot.service import IotPlatform
from emulator.ram.keys import Accounts
from emulator.records import Records
from emulator.smq.service import MessageService
from emulator.template import provision as deployment
from emulator.template import reader

ROOT = Path(__file__).resolve().parent.parent
PORT = 9700


@dataclass(frozen=True)
class Options:
    """The options of a local cloud."""

    port: int = PORT
    """The port of the page; the other servers use the next three. 0 for free ports."""
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
    """The number of calls of one operation of the IoT API that pass in any second."""
    answers: Path | None = None
    """A file of `make conformance`: the real platform's answers, instead of drawn ones."""
    products: Sequence[tuple[str, str | None]] = ()
    """Keys of products to add to the built-in ones, each with its instance."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the functions, which replace the template's."""


@dataclass(frozen=True)
class Urls:
    """The URLs of the servers."""

    console: str
    iot: str
    smq: str
    fc: str


class Cloud:
    """All parts of the local cloud; they belong to the loop that serves it."""

    def __init__(self, options: Options, urls: Urls) -> None:
        self.options = options
        self.urls = urls
        self.began = time.time()
        self.accounts = Accounts()
        self.records = Records()
        self.faults = Faults()
        self.network = Network()
        clock = Clock(scale=options.retry_scale)
        deployed = reader.load(options.template, outputs={"MnsEndpoint": self.urls.smq})
        if options.state:
            options.state.mkdir(parents=True, exist_ok=True)
        self.iot = IotPlatform(
            self.accounts,
            clock=Clock(wall=lambda: time.time() + self.faults.clock_ahead()),
            seed=options.seed,
            limit=options.limit,
            answers=read_answers(options.answers) if options.answers else None,
            path=str(options.state / "iot.sqlite3") if options.state else None,
        )
        self.iot.add_products(options.products)
        self.smq = MessageService(
            self.accounts,
            path=str(options.state / "smq.sqlite3") if options.state else ":memory:",
            region=deployed.region,
            clock=clock,
            delay_scale=options.delay_scale,
            records=self.records,
            tells_depths=lambda: not self.faults.standing("hide-depths"),
        )
        deployment.provision(deployed, self.smq, self.accounts)
        code = None if options.packaged else ROOT
        configs = deployment.configure_functions(deployed, self.urls.iot, code, options.python or sys.executable)
        configs = [replace(config, environment={**config.environment, **options.variables}) for config in configs]
        self.processes = Processes(self.faults, lambda: self.fc.instances, options.seed)
        self.fc = FunctionCompute(
            self.accounts,
            configs,
            region=deployed.region,
            clock=clock,
            records=self.records,
            tries=self.processes.around_try,
        )
        deployment.connect(deployed, self.smq, self.accounts.account_id, urls.fc)
        self.template = deployed
        self.streams = [
            EventStream(config, self.smq, self._caller(config), clock=clock)
            for config in deployment.configure_streams(deployed, self.accounts.account_id)
        ]

    def _caller(self, stream: StreamConfig) -> Callable[[bytes], Awaitable[Called]]:
        deliver = partial(
            call, self.urls.fc, stream.function, asynchronous=stream.trigger.asynchronous, timeout=CEILING
        )
        return deliver_wrongly(deliver, self.faults, stream.function, random.Random(self.options.seed))
