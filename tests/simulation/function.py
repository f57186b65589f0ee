"""An instance of the function: the real parts, with simulated ones at both ends."""

import json
from collections.abc import Mapping
from functools import partial
from random import Random
from types import SimpleNamespace

from handler import triggers
from handler.clock import Clock
from handler.credentials import Credentials
from handler.index import Instance, begin
from handler.iot import IotApi
from handler.log import Log
from handler.pacing import Pacer, Quota
from handler.pipeline import Pipeline
from handler.quota import SharedQuota
from handler.settings import Settings
from handler.threads import MOST, SECONDS_A_REQUEST
from tests.simulation.account import Account
from tests.simulation.cloud import Cloud, Unsigned
from tests.simulation.plan import Plan
from tests.simulation.queues import Queue
from tests.simulation.records import Records
from tests.simulation.settlement import Settlement
from tests.simulation.sinks import DEAD, REQUESTS, RESULTS, Post
from tests.simulation.store import QPS, Server, refuse
from tests.simulation.troubles import Troubles
from tests.simulation.truth import Truth
from tests.support.scheduler import Process, Scheduler, Violation
from tests.support.virtual_time import EPOCH

NO_STORE = "unix:///nowhere/at/all"


class CheapApi(IotApi):
    """Calls whose target is no URL and holds no signature: that would cost more than all the rest of a simulation."""

    def sign(self, action: str, parameters: Mapping[str, str], credentials: Credentials) -> str:
        target = Unsigned(action)
        target.parameters = {"Action": action, **parameters}
        target.token = credentials.security_token
        return target


class Surroundings:
    """What the instances of the function find around them, and who judges what they do."""

    may_fail = False
    """Whether a fault of the function's own is part of the run."""

    def __init__(self, plan: Plan, account: Account) -> None:
        self.plan = plan
        self.random = Random(f"world {plan.seed}")
        self.scheduler = scheduler = Scheduler(plan.seed)
        self.troubles = Troubles(plan, scheduler)
        self.store = Server(plan, scheduler, self.troubles) if plan.store_live else None
        self.records = Records(plan, scheduler, self.store.apart if self.store else lambda _: False)
        self.settlement = Settlement(self.records)
        self.cloud = Cloud(plan, scheduler, self.records, account, self.troubles)
        self.queue = Queue(plan, scheduler, self.troubles)
        truth = Truth(self.records, account)
        self.post = Post(plan, scheduler, self.troubles, self.records, self.settlement, truth, self.queue, self.random)

    def start(self, process: Process) -> Instance:
        """Put the parts of an instance together, as `handler.index.Instance.wire` does."""
        settings, clock, log = _build_settings(self.plan), self._build_clock(), Log("ERROR", self._check_log)
        api: type[IotApi] = IotApi if self.plan.signed else CheapApi
        quota = self._build_quota(process.name, settings, clock, log)
        iot = api(settings.OTA_REGION, self.cloud, quota, clock, settings.OTA_READ_TIMEOUT)
        pool = process.pool(max(4, min(MOST, round(settings.own_rate * SECONDS_A_REQUEST))))
        return Instance(Pipeline(iot, settings, pool, self.random.random), self.post, log)

    def _check_log(self, line: str) -> None:
        if json.loads(line)["event"] == "fault" and not self.may_fail:
            raise Violation(f"the function failed: {line}")

    def _build_quota(self, name: str, settings: Settings, clock: Clock, log: Log) -> Quota:
        """What `handler.index` makes of the settings, with a store that is not there or a simulated one."""
        shared = partial(SharedQuota, NO_STORE, settings.OTA_QUOTA_KEY, settings.rate, settings.share, clock, log)
        if self.store is not None:
            client = self.store.client(name)
            quota = shared(client.run)
            client.of = quota._store
            return quota
        return shared(refuse) if self.plan.store_gone else Pacer(settings.share, clock)

    def _build_clock(self) -> Clock:
        """Every process counts its monotonic time from somewhere, and shows the time of day a little wrong."""
        scheduler, random, lateness = self.scheduler, self.random, self.plan.lateness
        began, skew = random.uniform(0, 1e6), random.uniform(-300, 300)

        def sleep(seconds: float) -> None:
            scheduler.sleep(seconds + random.uniform(0, lateness) if lateness else seconds)

        return Clock(lambda: scheduler.time + began, lambda: EPOCH + scheduler.time + skew, sleep)


def run(instance: Instance, timeout: float, token: str, event: bytes) -> None:
    """What `handler.index.handler` does, with an instance that is not the one of this interpreter."""
    context = SimpleNamespace(
        function=SimpleNamespace(timeout=timeout, name="f"),
        credentials=SimpleNamespace(access_key_id="testid", access_key_secret="testsecret", security_token=token),
        request_id="R",
    )
    with begin(instance, context, is_delivery=True) as invocation:
        instance.pipeline.run(triggers.deliveries(event), invocation)


def _build_settings(plan: Plan) -> Settings:
    required = {"OTA_REGION": "cn-shanghai", "OTA_MNS_ENDPOINT": "http://localhost", "OTA_RESULT_TOPIC": RESULTS}
    changed = {
        "OTA_REQUEST_QUEUE": REQUESTS,
        "OTA_DEAD_LETTER_QUEUE": DEAD,
        "OTA_QPS": QPS,
        "OTA_QUOTA_URL": NO_STORE if plan.store_gone or plan.store_live else None,
        "OTA_QUOTA_INSTANCES": plan.instances,
        "OTA_MAX_ATTEMPTS": plan.max_attempts,
        "OTA_MAX_AGE": plan.max_age,
        "OTA_ON_EXISTING": plan.policy,
        "OTA_IOT_INSTANCE_ID": plan.default or None,
    }
    return Settings.read(required).model_copy(update=changed)
