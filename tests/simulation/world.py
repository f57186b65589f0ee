"""One run: senders, the queue, an event stream, the function's instances and the cloud, all from one plan."""

import json
from dataclasses import dataclass, field
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

from handler import triggers
from handler.clock import Clock
from handler.errors import NotFinished
from handler.index import LONGEST_DELIVERY, Call, Instance
from handler.iot import IotApi
from handler.log import Log
from handler.pacing import Pacer, Quota
from handler.pipeline import Limits, Pipeline
from handler.quota import SharedQuota
from handler.settings import Settings
from handler.threads import MOST, SECONDS_A_REQUEST
from tests.simulation.cloud import EPOCH, CheapApi, Cloud, Network
from tests.simulation.plan import Plan
from tests.simulation.queues import DEAD, REQUESTS, RESULTS, Queue, SimulatedService, Sinks
from tests.simulation.records import History, Invocation, Message, Module, Records, State
from tests.simulation.scheduler import Process, Scheduler, Task, Violation
from tests.simulation.store import QPS, Server
from tests.simulation.truth import Truth
from tests.simulation.workload import DEFAULT_INSTANCE, Letter, Workload

LONG_AGO = -100 * 86_400.0
LONGEST = 7200.0
"""Seconds of virtual time after which a run should have ended long ago."""
COLD_START = 0.2
"""Seconds until a new instance may call: more than one interval of the quota, which it does not know to be used."""
RETRIES = 3
"""Times that a stream delivers a batch again before it lets the queue do it."""
NO_STORE = "unix:///nowhere/at/all"


@dataclass(frozen=True)
class Result:
    """How a run went; `violation` is None where all held."""

    plan: Plan
    requests: int
    calls: int
    deliveries: int
    violation: str | None
    trace: list[tuple[object, ...]] = field(repr=False)

    def report(self, most: int | None = None) -> str:
        """The trace up to the fault (its last lines, if not all are wanted), the fault, and how to have it again."""
        first = 0 if most is None else max(len(self.trace) - most, 0)
        lines = [f"{at:10.4f}  {who:10}  {what}" for at, who, what in map(_line, self.trace[first:])]
        again = f"seed {self.plan.seed}, again with\n  make simulate PLAN='{self.plan}'"
        return "\n".join([*lines, "", self.violation or "all held", "", again])


class World:
    """The parts, wired."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.scheduler = Scheduler(plan.seed)
        self.store = Server(plan, self.scheduler) if plan.store_live else None
        self.records = Records(plan, self.scheduler, self.store.apart if self.store else _never)
        self.random = Random(f"world {plan.seed}")
        work = Workload(plan)
        products = {
            product: {name.lower(): Module(name, LONG_AGO, [State(LONG_AGO, "", "")]) for name in names}
            for product, names in work.products().items()
        }
        self.cloud = Cloud(plan, self.scheduler, self.records, products)
        self.truth = Truth(self.records, products)
        self.queue = Queue(self.cloud)
        self.unsent = 0
        for letter in work.letters():
            self.unsent += 1
            self.scheduler.at(letter.at, partial(self._send, letter))
        for at, product, name in work.colleague():
            self.scheduler.at(at, partial(self._colleague, product, name))
        self.streams = [Stream(self, f"instance {number}") for number in range(plan.instances)]

    @property
    def done(self) -> bool:
        return not self.unsent and self.queue.empty and all(stream.idle for stream in self.streams)

    def run(self) -> Result:
        for stream in self.streams:
            self.scheduler.spawn(stream.run)
        violation = None
        try:
            if not self.scheduler.run(until=LONGEST):
                raise Violation("I1: it goes on for ever")
            self.records.end()
        except Violation as found:
            violation = str(found)
        deliveries = sum(history.deliveries for history in self.records.asked.values())
        return Result(self.plan, self.plan.requests, self.records.calls, deliveries, violation, self.records.trace)

    def _send(self, letter: Letter) -> None:
        self.unsent -= 1
        message = f"m{self.unsent}"
        letter.name(message)
        for asked in letter.requests:
            self.records.asked[asked.id] = History(asked)
        self.queue.send(Message(message, letter.body, tuple((asked.id, 1) for asked in letter.requests)))

    def _colleague(self, product: str, name: str) -> None:
        modules = self.cloud.products[product]
        if name.lower() not in modules and len(modules) < 10:
            self.cloud.add({"ProductKey": product, "ModuleName": name, "AliasName": "theirs"}, None)


class Stream:
    """An event stream with one instance of the function behind it."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.idle = True
        self._world = world
        self._process: Process | None = None
        self._instance: Instance | None = None
        self._invocation: Invocation | None = None

    def run(self) -> None:
        world = self._world
        while not world.done:
            messages = world.queue.receive(world.plan.batch)
            if not messages:
                world.scheduler.sleep(max(0.5, min(world.queue.next_due - world.scheduler.time, 10.0)))
                continue
            self.idle = False
            if not world.cloud.chance(world.plan.stream_crashes):
                self._deliver(messages)
            self.idle = True

    def _deliver(self, messages: list[Message]) -> None:
        world = self._world
        for retry in range(1 + RETRIES):
            if self._invoke(messages):
                for message in messages:
                    world.queue.delete(message)
                return
            world.scheduler.sleep(world.random.uniform(1, 2) * 2**retry)

    def _invoke(self, messages: list[Message]) -> bool:
        """One invocation; whether the function said that all is done."""
        world, scheduler = self._world, self._world.scheduler
        if self._process is None or not self._process.alive:
            scheduler.sleep(COLD_START)
            self._process = Process(scheduler, self.name)
            self._instance = self._cold_start(self._process)
        process = self._process
        invocation = self._invocation = world.records.begin(self.name, messages)
        process.fuse = world.random.randint(1, 30 + 6 * len(messages)) if world.cloud.chance(world.plan.crashes) else 0
        task = scheduler.spawn(partial(self._handle, _event(messages)), process)
        scheduler.at(scheduler.time + world.plan.timeout, partial(self._time_out, process, task))
        try:
            scheduler.join(task)
        except NotFinished as error:
            world.records.note("not finished", str(error))
            return False
        if not process.alive:
            world.records.note("killed", self.name)
            return False
        if process.tasks:
            raise Violation("I6: something runs on behind the invocation")
        process.fuse = 0
        world.records.acknowledge(invocation)
        return True

    def _handle(self, event: bytes) -> None:
        """What `handler.index.handler` does, with an instance that is not the one of this interpreter."""
        instance = self._instance
        assert instance is not None
        context = SimpleNamespace(
            function=SimpleNamespace(timeout=self._world.plan.timeout, name="f"),
            credentials=SimpleNamespace(
                access_key_id="testid", access_key_secret="testsecret", security_token="testtoken"
            ),
            request_id="R",
        )
        call = Call.begin(instance, context, ceiling=LONGEST_DELIVERY)
        instance.pipeline.run(triggers.deliveries(event), call.invocation)

    def _time_out(self, process: Process, task: Task) -> None:
        if not task.done and process.alive:
            raise Violation("I6: the invocation did not end before its timeout")

    def _cold_start(self, process: Process) -> Instance:
        """What `handler.index.Instance.wire` does, with simulated parts at both ends."""
        world = self._world
        settings, clock, chance = self._settings(), self._clock(), world.random.random
        log = Log("ERROR", self._fault)
        api: type[IotApi] = IotApi if world.plan.signed else CheapApi
        network = Network(world.cloud, self._current)
        iot = api(settings.OTA_REGION, network, self._quota(settings, clock, log), clock, settings.OTA_READ_TIMEOUT)
        limits = Limits(
            settings.OTA_MAX_ATTEMPTS, settings.OTA_ON_EXISTING, settings.OTA_IOT_INSTANCE_ID, has_queue=True
        )
        rate = settings.rate if world.plan.store_gone or world.plan.store_live else settings.share
        pool = process.pool(max(4, min(MOST, round(rate * SECONDS_A_REQUEST))))
        sinks = Sinks(world.cloud, self._put_back, world.records.letter, self._publish)
        return Instance(
            settings,
            Pipeline(iot, limits, pool, clock, chance),
            SimulatedService(sinks, clock, chance),
            log,
            clock,
        )

    def _quota(self, settings: Settings, clock: Clock, log: Log) -> Quota:
        """What `handler.index` makes of the settings, with a store that is not there or a simulated one."""
        world, share = self._world, Pacer(settings.share, clock)
        shared = partial(SharedQuota, NO_STORE, settings.OTA_QUOTA_KEY, settings.rate, share, clock, log)
        if world.store is not None:
            client = world.store.client(self.name)
            quota = shared(client)
            client.of = quota._store
            return quota
        return shared() if world.plan.store_gone else share

    def _settings(self) -> Settings:
        plan = self._world.plan
        given = {
            "OTA_REGION": "cn-shanghai",
            "OTA_MNS_ENDPOINT": "http://localhost",
            "OTA_RESULT_TOPIC": RESULTS,
            "OTA_REQUEST_QUEUE": REQUESTS,
            "OTA_DEAD_LETTER_QUEUE": DEAD,
        }
        settings = Settings.read(given)
        return settings.model_copy(
            update={
                "OTA_QPS": QPS,
                "OTA_QUOTA_INSTANCES": plan.instances,
                "OTA_MAX_ATTEMPTS": plan.max_attempts,
                "OTA_ON_EXISTING": plan.policy,
                "OTA_IOT_INSTANCE_ID": DEFAULT_INSTANCE if plan.default_instance else None,
            }
        )

    def _clock(self) -> Clock:
        """Every process counts its monotonic time from somewhere, and shows the time of day a little wrong."""
        world, scheduler = self._world, self._world.scheduler
        began, skew = world.random.uniform(0, 1e6), world.random.uniform(-300, 300)
        lateness = world.plan.lateness

        def sleep(seconds: float) -> None:
            scheduler.sleep(seconds + world.random.uniform(0, lateness) if lateness else seconds)

        return Clock(lambda: scheduler.time + began, lambda: EPOCH + scheduler.time + skew, sleep)

    def _current(self) -> Invocation:
        assert self._invocation is not None
        return self._invocation

    def _put_back(self, body: str, delay: int) -> None:
        self._world.queue.send(self._world.records.put_back(self._current(), body), delay)

    def _publish(self, body: str, tag: str) -> None:
        self._world.truth.publish(self._current(), json.loads(body), tag)

    def _fault(self, line: str) -> None:
        raise Violation(f"the function failed: {line}")


def _never(_instance: str, _operation: str) -> bool:
    """What is promised where there is no store: that all calls are counted together."""
    return False


def _line(entry: tuple[Any, ...]) -> tuple[float, str, str]:
    at, who, *what = entry
    return at, who, " ".join(str(part) for part in what)


def _event(messages: list[Message]) -> bytes:
    """The batch as EventBridge sends it."""
    return json.dumps(
        [
            {
                "id": message.id,
                "specversion": "1.0",
                "type": "mns:Queue:SendMessage",
                "data": {"requestId": "R", "messageId": message.id, "messageBody": message.body},
            }
            for message in messages
        ]
    ).encode()


def simulate(plan: Plan) -> Result:
    """One run."""
    return World(plan).run()
