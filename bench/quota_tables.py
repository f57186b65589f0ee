"""What the quota gives: ours beside other ways to call, beside another tenant, and with both jitters."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from bench.machine import run, served, side_by_side, stats
from bench.peers import PEERS
from bench.table import Table, met

QPS, NEARLY_ALL = 9.0, 9.8
MODULES = int(os.environ.get("BENCH_MODULES", "300"))
LATENCIES = (0.05, 0.5, 2.0)
JITTERS = (0.005, 0.05)
OURS = "ota-modules"
SLOW, FEWER = "AcsClient, loop", 60
"""The way that makes one call after another; its rate is seen with fewer modules."""
MOMENTS: dict[str, Sequence[float]] = {}
"""When the calls of each way arrived, at 500 ms: for the picture."""


@dataclass(frozen=True)
class Paced:
    """One peer against one server."""

    seconds: float
    modules: int
    throttled: float
    most: int
    moments: Sequence[float]

    @property
    def rate(self) -> float:
        """Modules a second, from the first call to the last: starting up is the cold start's."""
        return (self.modules - 1) / (self.moments[-1] - self.moments[0])


def paced(
    name: str, latency: float, count: int = MODULES, *, jitter: float = 0.05, tenant: float = 0, qps: float = QPS
) -> Paced:
    """Let one way create so many modules on a server of its own."""
    with served(latency, jitter=jitter, tenant=tenant) as url:
        took = run("bench.peers", name, url, str(count), environ={"OTA_QPS": str(qps)})
        saw = stats(url)
    return Paced(took["seconds"], saw["modules"], saw["throttled"] / saw["calls"], saw["most"], saw["moments"])


class Trial(NamedTuple):
    """One way under one condition."""

    name: str
    latency: float
    jitter: float = 0.05
    qps: float = QPS

    def __call__(self) -> Paced:
        few = self.name == SLOW and self.latency > LATENCIES[0]
        return paced(self.name, self.latency, FEWER if few else MODULES, jitter=self.jitter, qps=self.qps)

    def row(self, condition: str, found: Any) -> list[str]:
        """Write the figures as a row."""
        own = self.name == OURS
        words = f"{self.name}, OTA_QPS={self.qps:g}" if own else self.name
        if isinstance(found, Exception):
            return [condition, words, "did not finish", "", "", "", "", str(found)[:80]]
        good = found.rate >= 0.97 * self.qps and found.most <= 10 and found.throttled <= 0.005
        return [
            condition, words, f"{found.rate / 10:.1%}", f"{found.rate / self.qps:.1%}" if own else "",
            f"{found.throttled:.1%}", str(found.most), f"{found.seconds:.1f}", met(good) if own else "",
        ]  # fmt: skip


COLUMNS = ("", "way", "of the limit (10/s)", "of OTA_QPS", "throttled", "most in a second", "function s", "goal")
GOAL = (
    "Ours does its whole job (a queue event in, outcomes published); the others only call. "
    "Goal: at least 97 % of OTA_QPS, at most 10 in any second, at most 0.5 % throttled."
)


def quota() -> Table:
    """Compare the ways; the short latency by itself, the two long ones together: they hardly need the processor."""
    trials = [Trial(name, latency) for latency in LATENCIES for name in PEERS]
    groups = [trials[: len(PEERS)], trials[len(PEERS) :]]
    found: dict[Trial, Any] = {}
    for group in groups:
        found |= zip(group, side_by_side(group), strict=True)
    MOMENTS.update({t.name: made.moments for t, made in found.items() if t.latency == 0.5 and isinstance(made, Paced)})
    return Table(
        f"Quota: {MODULES} modules, a limit of ten in any sliding second, 50 ms jitter",
        COLUMNS,
        [trial.row(f"{trial.latency * 1000:g} ms", found[trial]) for trial in trials],
        f"{GOAL} From 500 ms on the loop creates {FEWER} modules.\n\n![calls in the last second](docs/calls-per-second.svg)",
    )


def nearly_all() -> Table:
    """Compare the ways again, with as much of the limit as ten calls in any second allow."""
    rows = []
    for jitter in JITTERS:
        trials = [Trial(name, 0.05, jitter, NEARLY_ALL) for name in PEERS]
        # Two at a time: some of them flood the API, and that takes the processor of whoever runs beside them.
        made = [each for place in range(0, len(trials), 2) for each in side_by_side(trials[place : place + 2])]
        rows += [trial.row(f"{jitter * 1000:g} ms", each) for trial, each in zip(trials, made, strict=True)]
    return Table(
        f"The whole limit: {MODULES} modules, OTA_QPS={NEARLY_ALL:g}, 50 ms latency, by jitter",
        COLUMNS,
        rows,
        f"{GOAL} Jitter is what each call's way to the API varies by: calls that left evenly spaced arrive nearer to each other.",
    )


def tenant() -> Table:
    """Measure beside another tenant, who takes half of the quota all the time."""
    found = paced("ota-modules", 0.5, tenant=5)
    good = found.rate >= 0.85 * 5 and found.throttled <= 0.05
    row = [f"{found.rate / 5:.1%}", f"{found.throttled:.1%}", f"{found.seconds:.1f}", met(good)]
    return Table(
        f"A second tenant uses 5 of the 10 calls a second ({MODULES} modules, 500 ms)",
        ("of what is left (5/s)", "throttled", "function s", "goal: at least 85 %, at most 5 %"),
        [row],
    )
