"""What a simulation is made of: a few sizes and rates, and the seed that decides all the rest.

Plans are drawn by a seed; the tests draw by hypothesis from the same choices, which finds the simplest that fails.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from handler.iot import UPDATE
from tests.simulation.account import GOOD, NONE, WRONG

EVER = 1e9
"""Seconds after which nothing fails any more, where all that fails has an end of its own."""


@dataclass(frozen=True)
class Plan:
    """Everything that a run depends on; the same plan always gives the same run. Rates are probabilities."""

    seed: int
    requests: int = 60
    products: int = 6
    names: int = 8
    batch: int = 20
    instances: int = 1
    """Instances of the function. Two at most, unless a store always answers: three without one are held just below three
    calls a second each, and the jitter here is enough for an eleventh call."""
    spread: float = 20.0
    """Seconds over which requests are sent."""
    faulty: float = 300.0
    """Seconds after which nothing fails any more, so that all can end."""
    latency: float = 0.2
    """Seconds of a call on its way there, and again back."""
    jitter: float = 0.04
    """Seconds more that a call takes at most: so small that calls which left in time arrive in time."""
    lateness: float = 0.0
    """Seconds that a sleep ends late at most."""
    lag: float = 0.0
    """Seconds by which a list of modules may be old."""
    call_faults: float = 0.0
    late_calls: float = 0.0
    """Calls that take their effect after their sender has stopped waiting."""
    connect_faults: float = 0.0
    throttles: float = 0.0
    refusals: float = 0.0
    """Answers `Success: false` to any operation, for reasons of the API's own."""
    topic_faults: float = 0.0
    queue_faults: float = 0.0
    queue_parts: float = 0.0
    """Batches of messages of which a queue takes a part, and says which."""
    topic_outages: int = 0
    queue_outages: int = 0
    """Times that the topic, or both queues, take nothing for a while."""
    crashes: float = 0.0
    """Invocations that die at some switch."""
    repeats: float = 0.0
    """Messages that are delivered, or stay, although they were received or deleted."""
    stream_crashes: float = 0.0
    tenant: float = 0.0
    """Calls a second of another tenant, while things fail."""
    denials: int = 0
    """Times that an operation, an instance or both are denied: a permission that is lost, arrears, a clock."""
    expiries: int = 0
    """Times that all keys expire that invocations have by then."""
    forbidden: str = ""
    """An operation that the function's role may never call."""
    outage: float = 0.0
    """Part of the time in which things fail that the API is down."""
    colleague: float = 0.0
    """Modules that somebody else creates meanwhile."""
    theirs: float = 0.0
    """Modules of requests that want one for themselves which somebody else made long before."""
    strangers: float = 0.0
    """Requests of a wrong instance, of one in arrears, or of none."""
    malformed: float = 0.0
    arrays: int = 16
    """Requests in the largest messages."""
    apart: bool = False
    """Whether no two requests want modules of the same product."""
    replays: float = 0.0
    """Dead letters that an operator sends again."""
    timeout: float = 60.0
    max_attempts: int = 5
    max_age: float = 3600.0
    visibility: float = 300.0
    policy: str = "keep"
    default: str = ""
    """The instance of requests that name none."""
    public: bool = True
    """Whether calls that name no instance are answered, too."""
    store_gone: bool = False
    """Whether the quota is to be shared through a store that is not there: then each instance goes on by itself."""
    store_live: bool = False
    """Whether the quota is shared through a store that is there (`tests.simulation.store`)."""
    store_latency: float = 0.0005
    """Seconds of a request to the store on its way there, and again of the answer."""
    store_slow: float = 0.0
    """Requests or answers that take up to half a second longer: more than anybody waits."""
    store_lost: float = 0.0
    """Requests or answers that do not arrive."""
    store_outages: int = 0
    store_restarts: int = 0
    """Times that the store forgets everything, at once or after half a second without it."""
    store_clock: float = 0.0
    """Seconds that the store's clock is set back at most, three times; forward it is set by no more than 10 ms."""
    signed: bool = False
    """Whether calls are really signed, which costs ten times as much as all the rest of the API."""

    @property
    def store_always(self) -> bool:
        """Whether there is a store whose answers always come in time: then no instance ever goes on by itself."""
        troubles = self.store_slow, self.store_lost, self.store_outages, self.store_restarts
        return self.store_live and self.store_latency < 0.1 and not any(troubles)

    @property
    def compares(self) -> bool:
        """Whether what meets a request is the same in any company: nothing depends on the time or on a whole delivery."""
        shared = (
            self.connect_faults, self.queue_faults, self.topic_outages, self.queue_outages, self.crashes, self.repeats,
            self.stream_crashes, self.tenant, self.denials, self.outage, self.replays, self.queue_parts, self.expiries,
        )  # fmt: skip
        return self.apart and self.faulty >= EVER and not any(shared)

    @property
    def longest(self) -> float:
        """Seconds of virtual time after which a run should have ended long ago."""
        return min(self.faulty, 3600.0) + 2 * self.max_age + 1000.0 * self.max_attempts + 20 * self.visibility + 7200.0

    @classmethod
    def read(cls, text: str) -> "Plan":
        """A plan from the text that `str` gives."""
        return replace(cls(0), **json.loads(text))

    def __str__(self) -> str:
        usual = asdict(Plan(-1))
        return json.dumps({name: value for name, value in asdict(self).items() if value != usual[name]})


SHORT = 30.0
"""Seconds of a timeout in which a function finishes few requests."""
WITH_COMPANY = 1 / 5
"""Of the plans that are drawn: those in which each request is compared with itself alone."""
POLICIES = ("keep", "update", "fail")
Choices = Mapping[str, Sequence[Any]]
"""What each field of a plan is taken from, the simplest first; what stands there more than once is drawn more often."""


def rates(frequent: float, absent: int = 7) -> Sequence[float]:
    """A rate; most kinds of trouble are absent from a plan: where all happen at once, none gets far."""
    return (*[0.0] * absent, 0.1 * frequent, 0.3 * frequent, frequent)


CROWD: Choices = {
    "requests": (5, 10, 30, 100, 300),
    "products": (1, 3, 10, 40),
    "names": (1, 4, 12),
    "batch": (1, 10, 50, 100),
    "instances": (1, 1, 2),
    "spread": (0.0, 10.0, 60.0),
    "latency": (0.02, 0.1, 0.5, 1.0),
    "lateness": (0.0, 0.0, 0.02),
    "lag": (0.0, 0.0, 0.3, 0.8, 5.0),
    "call_faults": rates(0.3, 3),
    "late_calls": rates(0.1, 12),
    "connect_faults": rates(0.2, 12),
    "throttles": rates(0.2, 12),
    "refusals": rates(0.1, 12),
    "topic_faults": rates(0.3),
    "queue_faults": rates(0.1),
    "queue_parts": rates(0.5),
    "topic_outages": (0, 0, 0, 0, 1, 3),
    "queue_outages": (0, 0, 0, 0, 0, 1),
    "crashes": rates(0.5),
    "repeats": rates(0.3),
    "stream_crashes": rates(0.2, 12),
    "tenant": (0.0, 0.0, 0.0, 2.0, 5.0, 9.0),
    "denials": (0, 0, 0, 0, 1, 3),
    "expiries": (0, 0, 0, 0, 1, 3),
    "forbidden": (*[""] * 9, UPDATE),
    "outage": rates(0.3, 17),
    "colleague": rates(0.5, 12),
    "theirs": rates(0.5),
    "strangers": rates(0.1),
    "malformed": rates(0.1),
    "arrays": (16, 16, 1, 100),
    "replays": (0.0, 0.5),
    "timeout": (60.0, 10.0, 300.0),
    "max_attempts": (5, 2, 1),
    "max_age": (3600.0, 600.0),
    "visibility": (300.0, 30.0),
    "policy": POLICIES,
    "default": (NONE, NONE, GOOD, WRONG),
    "public": (True, True, True, True, False),
    "signed": (*[False] * 30, True),
    "store_gone": (*[False] * 9, True),
    "store_live": (*[False] * 9, True),
    "store_latency": (0.0005, 0.005, 0.05, 0.1),
    "store_slow": rates(0.1),
    "store_lost": rates(0.1),
    "store_outages": (0, 0, 0, 1, 3),
    "store_restarts": (0, 0, 0, 1, 3),
    "store_clock": (0.0, 0.0, 0.1, 3.0, 60.0),
}
"""Many requests, which may want the same modules, and troubles of every kind. A live store takes nearly twice the time."""
COMPANY: Choices = {
    "requests": (5, 20, 60),
    "apart": (True,),
    "batch": (10, 100),
    "spread": (0.0, 10.0),
    "faulty": (EVER,),
    "latency": (0.02, 0.2),
    "lag": (0.0, 0.0, 0.8),
    "call_faults": rates(0.3, 3),
    "refusals": rates(0.1),
    "topic_faults": rates(0.3),
    "forbidden": ("", "", UPDATE),
    "theirs": rates(0.5),
    "strangers": (0.0, 0.1, 0.3),
    "malformed": rates(0.2),
    "timeout": (300.0,),
    "max_attempts": (10, 2, 1),
    "max_age": (600.0, 3600.0),
    "policy": POLICIES,
    "default": (NONE, GOOD, WRONG),
    "public": (True, False),
}
"""Requests that have nothing to do with each other, and troubles that meet each as often as if it were alone."""


def drawn(seed: int) -> Plan:
    """A plan for a seed."""
    chance = Random(f"plan {seed}")
    choices = COMPANY if chance.random() < WITH_COMPANY else CROWD
    plan = Plan(seed, **{name: chance.choice(values) for name, values in choices.items()})
    if plan.timeout < SHORT:
        # What one delivery has no time for is delivered over and over again.
        plan = replace(plan, requests=min(plan.requests, 100), batch=min(plan.batch, 50))
    return replace(plan, instances=chance.choice((2, 3, 4))) if plan.store_always else plan
