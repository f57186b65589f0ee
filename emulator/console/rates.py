"""Calls in the last second, sampled: the moving line of each operation."""

from collections import Counter, deque
from dataclasses import dataclass

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

    def __init__(self, cloud: Cloud) -> None:
        self.samples: deque[Sample] = deque(maxlen=int(SPAN / EVERY))
        self._cloud = cloud
        self._before: Counter[str] = Counter()

    def sample(self) -> None:
        total = self._total()
        fresh = {name: count - self._before[name] for name, count in total.items()}
        self._before = total
        throttled = {name: count for name, count in fresh.items() if count > 0}
        self.samples.append(Sample(self._cloud.records.now(), self._cloud.iot.rates(), throttled))

    def _total(self) -> Counter[str]:
        """Refusals since the start: those of the API, and those of faults that are about one operation."""
        total = Counter(self._cloud.iot.throttles)
        for active in self._cloud.faults:
            if active.rule.kind == "throttle" and active.rule.operation:
                total[active.rule.operation] += active.fired
        return total
