"""What a simulation is made of: a few sizes and rates, and the seed that decides all the rest."""

import json
from dataclasses import asdict, dataclass, fields, replace
from random import Random

LIVE = 1 / 10
"""Of the plans that are drawn: those with a live store. They take nearly twice the time of others."""


@dataclass(frozen=True)
class Plan:
    """Everything that a run depends on; the same plan always gives the same run. Rates are probabilities."""

    seed: int
    requests: int = 60
    products: int = 6
    names: int = 8
    batch: int = 20
    instances: int = 1
    """Two at most, unless a store always answers: three without one are held just below three calls a second each, and the
    jitter here is enough for an eleventh call."""
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
    """Seconds by which a list of modules may be old: less than one, after which the function takes its second and last look."""
    call_faults: float = 0.0
    late_calls: float = 0.0
    """Calls that take their effect after their sender has stopped waiting."""
    connect_faults: float = 0.0
    throttles: float = 0.0
    refusals: float = 0.0
    """Refusals for reasons of the API's own."""
    sink_faults: float = 0.0
    crashes: float = 0.0
    """Invocations that die at some switch."""
    repeats: float = 0.0
    """Messages that are delivered, or stay, although they were received or deleted."""
    stream_crashes: float = 0.0
    tenant: float = 0.0
    """Calls a second of another tenant, while things fail."""
    misconfigured: float = 0.0
    """Part of the time in which things fail that the deployment is wrong."""
    outage: float = 0.0
    """Part of the time in which things fail that the API is down."""
    colleague: float = 0.0
    """Modules that somebody else creates meanwhile."""
    timeout: float = 60.0
    max_attempts: int = 5
    visibility: float = 300.0
    policy: str = "keep"
    default_instance: bool = False
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

    @classmethod
    def drawn(cls, seed: int) -> "Plan":
        """A plan for a seed. Most kinds of trouble are absent from it: where all happen at once, none gets far."""
        chance = Random(f"plan {seed}")

        def rate(frequent: float, *, often: float = 0.3) -> float:
            return frequent * chance.choice((0.1, 0.3, 1.0)) if chance.random() < often else 0.0

        plan = cls(
            seed,
            requests=chance.choice((5, 30, 100, 300, 500)),
            products=chance.choice((1, 3, 10, 40)),
            names=chance.choice((1, 4, 12)),
            batch=chance.choice((1, 10, 50, 100)),
            instances=chance.choice((1, 1, 2)),
            spread=chance.choice((0.0, 10.0, 60.0)),
            latency=chance.choice((0.02, 0.1, 0.5, 1.0)),
            lateness=chance.choice((0.0, 0.0, 0.02)),
            lag=chance.choice((0.0, 0.0, 0.3, 0.8)),
            call_faults=rate(0.3, often=0.5),
            late_calls=rate(0.1, often=0.2),
            connect_faults=rate(0.2, often=0.2),
            throttles=rate(0.2, often=0.2),
            refusals=rate(0.1, often=0.2),
            sink_faults=rate(0.3),
            crashes=rate(0.5),
            repeats=rate(0.3),
            stream_crashes=rate(0.2, often=0.2),
            tenant=chance.choice((0.0, 0.0, 0.0, 2.0, 5.0, 9.0)),
            misconfigured=rate(0.3, often=0.15),
            outage=rate(0.3, often=0.15),
            colleague=rate(0.5, often=0.2),
            timeout=chance.choice((10.0, 60.0, 300.0)),
            max_attempts=chance.choice((1, 2, 5)),
            visibility=chance.choice((30.0, 300.0)),
            policy=chance.choice(("keep", "update", "fail")),
            default_instance=chance.random() < 0.3,
            store_gone=chance.random() < 0.1,
            signed=chance.random() < 0.03,
        )
        if plan.store_gone or chance.random() > LIVE:
            return plan
        shared = replace(
            plan,
            store_live=True,
            store_latency=chance.choice((0.0005, 0.005, 0.05, 0.1)),
            store_slow=rate(0.1),
            store_lost=rate(0.1),
            store_outages=chance.choice((0, 0, 0, 1, 3)),
            store_restarts=chance.choice((0, 0, 0, 1, 3)),
            store_clock=chance.choice((0.0, 0.0, 0.1, 3.0, 60.0)),
        )
        return replace(shared, instances=chance.choice((2, 3, 4) if shared.store_always else (1, 2, 2)))

    @property
    def store_always(self) -> bool:
        """Whether there is a store whose answers always come in time: then no instance ever goes on by itself."""
        troubles = self.store_slow, self.store_lost, self.store_outages, self.store_restarts
        return self.store_live and self.store_latency < 0.1 and not any(troubles)

    @classmethod
    def read(cls, text: str) -> "Plan":
        """A plan from the text that `str` gives."""
        return replace(cls(0), **json.loads(text))

    def __str__(self) -> str:
        usual = Plan(self.seed)
        changed = {each.name for each in fields(self) if getattr(self, each.name) != getattr(usual, each.name)}
        return json.dumps({name: value for name, value in asdict(self).items() if name in changed | {"seed"}})
