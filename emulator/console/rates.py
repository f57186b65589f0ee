"""Calls in the last second, sampled: the moving line of each operation."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.cloud import Cloud

EVERY = 0.2
"""Seconds between samples."""
SPAN = 60.0
"""Seconds that are remembered."""


@dataclass(frozen=True)
class Sample:
    """Calls in the second before `moment` (monotonic seconds), and refused ones since the sample before."""

    moment: float
    calls: dict[str, int]
    throttled: dict[str, int]

    def shown(self, shift: float) -> dict[str, object]:
        return {"t": round(self.moment + shift, 3), "calls": self.calls, "throttled": self.throttled}


class Rates:
    """The samples of the last minute."""

    def __init__(self, cloud: "Cloud") -> None:
        self.samples: deque[Sample] = deque(maxlen=int(SPAN / EVERY))
        self._cloud = cloud
        self._before: dict[str, int] = {}

    def sample(self) -> None:
        total = dict(self._cloud.iot.throttles)
        fresh = {name: count - self._before.get(name, 0) for name, count in total.items()}
        self._before = total
        throttled = {name: count for name, count in fresh.items() if count}
        self.samples.append(Sample(self._cloud.records.now(), self._cloud.iot.rates(), throttled))
