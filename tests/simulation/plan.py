"""What a simulation is made of: a few sizes and rates, and the seed that decides all the rest."""

import json
from dataclasses import asdict, dataclass, fields, replace

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
        usual = Plan(self.seed)
        changed = {each.name for each in fields(self) if getattr(self, each.name) != getattr(usual, each.name)}
        return json.dumps({name: value for name, value in asdict(self).items() if name in changed | {"seed"}})
