"""Callers in virtual time, when their calls left, and the bound that every quota must keep."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from handler.errors import OutOfTime
from handler.pacing import EARLY, Pacer
from tests.support.scheduler import Task
from tests.support.virtual_time import VirtualTime

NEVER = math.inf
CALL = "CreateOTAModule"


@dataclass
class Caller:
    """Calls one operation and notes when each call left: by the true time, by the clock, and who it was."""

    time: VirtualTime
    pacer: Pacer
    left: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    names: list[int] = field(default_factory=list)

    def call(self, name: int = 0, deadline: float = NEVER) -> None:
        with suppress(OutOfTime):
            self.pacer.wait(CALL, deadline)
            self.left.append(self.time.time)
            self.shown.append(self.time.clock.now())
            self.names.append(name)

    def arrive(self, *moments: float, deadline: float = NEVER) -> list[Task]:
        calls = [partial(self.call, name, deadline) for name in range(len(moments))]
        return [self.time.spawn(call, at=moment) for call, moment in zip(calls, moments, strict=True)]


def make_caller(rate: float, seed: int = 0, lateness: float = 0.0) -> Caller:
    time = VirtualTime(seed, lambda: lateness)
    return Caller(time, Pacer(rate, time.clock))


def excess(moments: Sequence[float], rate: float, tau: float) -> int:
    """Count the calls that are more than 1 + floor((W + tau) * rate) leave in the worst of all windows W."""
    ordered = sorted(moments)
    spare = tau + 2 * EARLY
    return max(
        (
            last - first - math.floor((ordered[last] - ordered[first] + spare) * rate + 1e-9)
            for first in range(len(ordered))
            for last in range(first, len(ordered))
        ),
        default=0,
    )
