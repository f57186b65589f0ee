"""An instance of the function: the real parts, with simulated ones at both ends."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from types import SimpleNamespace

from handler import triggers
from handler.clock import Clock
from handler.index import Instance, begin
from handler.iot import IotApi
from handler.log import Log
from handler.pacing import Pacer, Quota
from handler.pipeline import Pipeline
from handler.quota import SharedQuota
from handler.settings import Settings
from handler.threads import MOST, SECONDS_A_REQUEST
from tests.simulation.calls import Invocation
from tests.simulation.cloud import EPOCH, Cloud
from tests.simulation.network import CheapApi, Network
from tests.simulation.plan import Plan
from tests.simulation.sinks import DEAD, REQUESTS, RESULTS, Post, Wire
from tests.simulation.store import QPS, Server, refuse
from tests.support.scheduler import Process

NO_STORE = "unix:///nowhere/at/all"


@dataclass(frozen=True)
class Surroundings:
    """What the function finds around it, in any instance."""

    plan: Plan
    cloud: Cloud
    post: Post
    store: Server | None
    random: Random
    log: Callable[[str], None]


def start(around: Surroundings, process: Process, current: Callable[[], Invocation]) -> Instance:
    """Put the parts of an instance together, as `handler.index.Instance.wire` does."""
    plan = around.plan
    settings, clock, chance = _settings(plan), _clock(around), around.random.random
    log = Log("ERROR", around.log)
    api: type[IotApi] = IotApi if plan.signed else CheapApi
    quota = _quota(around, process.name, settings, clock, log)
    iot = api(settings.OTA_REGION, Network(around.cloud, current), quota, clock, settings.OTA_READ_TIMEOUT)
    pool = process.pool(max(4, min(MOST, round(settings.own_rate * SECONDS_A_REQUEST))))
    return Instance(Pipeline(iot, settings, pool, chance), Wire(around.post), log)


def run(instance: Instance, timeout: float, token: str, event: bytes) -> None:
    """What `handler.index.handler` does, with an instance that is not the one of this interpreter."""
    context = SimpleNamespace(
        function=SimpleNamespace(timeout=timeout, name="f"),
        credentials=SimpleNamespace(access_key_id="testid", access_key_secret="testsecret", security_token=token),
        request_id="R",
    )
    with begin(instance, context, is_delivery=True) as invocation:
        instance.pipeline.run(triggers.deliveries(event), invocation)


def _quota(around: Surroundings, name: str, settings: Settings, clock: Clock, log: Log) -> Quota:
    """What `handler.index` makes of the settings, with a store that is not there or a simulated one."""
    shared = partial(SharedQuota, NO_STORE, settings.OTA_QUOTA_KEY, settings.rate, settings.share, clock, log)
    if around.store is not None:
        client = around.store.client(name)
        quota = shared(client.run)
        client.of = quota._store
        return quota
    return shared(refuse) if around.plan.store_gone else Pacer(settings.share, clock)


def _settings(plan: Plan) -> Settings:
    given = {
        "OTA_REGION": "cn-shanghai",
        "OTA_MNS_ENDPOINT": "http://localhost",
        "OTA_RESULT_TOPIC": RESULTS,
        "OTA_REQUEST_QUEUE": REQUESTS,
        "OTA_DEAD_LETTER_QUEUE": DEAD,
    }
    changed = {
        "OTA_QPS": QPS,
        "OTA_QUOTA_URL": NO_STORE if plan.store_gone or plan.store_live else None,
        "OTA_QUOTA_INSTANCES": plan.instances,
        "OTA_MAX_ATTEMPTS": plan.max_attempts,
        "OTA_MAX_AGE": plan.max_age,
        "OTA_ON_EXISTING": plan.policy,
        "OTA_IOT_INSTANCE_ID": plan.default or None,
    }
    settings = Settings.read(given)
    return settings.model_copy(update={name: value for name, value in changed.items() if name in Settings.model_fields})


def _clock(around: Surroundings) -> Clock:
    """Every process counts its monotonic time from somewhere, and shows the time of day a little wrong."""
    scheduler, random, lateness = around.cloud.scheduler, around.random, around.plan.lateness
    began, skew = random.uniform(0, 1e6), random.uniform(-300, 300)

    def sleep(seconds: float) -> None:
        scheduler.sleep(seconds + random.uniform(0, lateness) if lateness else seconds)

    return Clock(lambda: scheduler.time + began, lambda: EPOCH + scheduler.time + skew, sleep)
