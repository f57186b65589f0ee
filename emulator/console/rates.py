"""Calls in the last second, sampled: the moving line of each operation."""

from collections import Counter, deque
from dataclasses import dataclass

from emulator.cloud import Cloud
from emulator.console.tail import Tail
from emulator.iot.service import ApiCall
from emulator.records import Arrival, Faulted

EVERY = 0.2
"""Seconds between samples."""
SPAN = 60.0
"""Seconds that are remembered."""
RECENT = 10.0
"""Seconds over which the state of the API is told."""
WINDOW = 1.0


@dataclass(frozen=True)
class Sample:
    """Calls in the second before `moment` (monotonic seconds); of those since the sample before, the throttled and the failed."""

    moment: float
    calls: dict[str, int]
    throttled: dict[str, int]
    failed: dict[str, int]

    def shown(self, shift: float) -> dict[str, object]:
        return {
            "t": round(self.moment + shift, 3), "calls": self.calls, "throttled": self.throttled, "failed": self.failed,
        }  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """A call of the IoT API that went wrong."""

    moment: float
    operation: str
    text: str


class Rates:
    """The samples of the last minute. A call that a fault kept from the API counts as any other."""

    def __init__(self, cloud: Cloud) -> None:
        self.samples: deque[Sample] = deque(maxlen=int(SPAN / EVERY))
        self.failures: Counter[str] = Counter()
        """Calls that failed since the start, by operation."""
        self.throttles: Counter[str] = Counter()
        """Those that were throttled."""
        self.last_failure: Failure | None = None
        self._last_success = 0.0
        self._cloud = cloud
        self._throttled_before: Counter[str] = Counter()
        self._recent: deque[tuple[float, str]] = deque()
        """When calls arrived, throttled ones were refused, and others failed: `call`, `throttled`, `failed`."""
        self._kept_off: deque[tuple[float, str]] = deque()
        """Calls that faults kept from the API."""
        self._events = Tail(lambda: cloud.records.events)
        self._calls = Tail(lambda: cloud.iot.calls)

    def sample(self) -> None:
        now = self._cloud.records.now()
        throttled, failed = self._refused(now), Counter[str]()
        for call in self._calls.new():
            if call.http_status < 400:
                self._last_success = call.moment
            elif _is_failure(call):
                self._fail(Failure(call.moment, call.operation, f"HTTP {call.http_status} {call.code}"), failed)
        for event in self._events.new():
            if isinstance(event, Arrival) and event.service == "iot":
                self._recent.append((event.moment, "call"))
            elif isinstance(event, Faulted) and event.service == "iot":
                self._count_faulted(event, throttled, failed)
        self.throttles += throttled
        self.failures += failed
        self.samples.append(Sample(now, self._rates(now), dict(throttled), dict(failed)))

    def _refused(self, now: float) -> Counter[str]:
        """Count what the API itself has throttled since the last sample."""
        total = Counter(self._cloud.iot.throttles)
        fresh = total - self._throttled_before
        self._throttled_before = total
        self._recent.extend([(now, "throttled")] * fresh.total())
        return fresh

    def _count_faulted(self, event: Faulted, throttled: Counter[str], failed: Counter[str]) -> None:
        if not event.reached:
            self._kept_off.append((event.moment, event.operation))
        if event.fault == "throttle":
            throttled[event.operation] += 1
            self._recent.append((event.moment, "throttled"))
            return
        text = f"HTTP {event.status}" if event.status else "no answer"
        self._fail(Failure(event.moment, event.operation, f"{text} (fault: {event.fault})"), failed)

    def _fail(self, failure: Failure, failed: Counter[str]) -> None:
        failed[failure.operation] += 1
        self._recent.append((failure.moment, "failed"))
        if self.last_failure is None or failure.moment >= self.last_failure.moment:
            self.last_failure = failure

    def _rates(self, now: float) -> dict[str, int]:
        while self._kept_off and self._kept_off[0][0] <= now - WINDOW:
            self._kept_off.popleft()
        kept_off = Counter(operation for _, operation in self._kept_off)
        reached = self._cloud.iot.rates()
        return {name: reached.get(name, 0) + kept_off[name] for name in (*reached, *kept_off)}

    def health(self) -> dict[str, object]:
        """Tell whether the API answers: its last call counts, also where nobody has called for a while."""
        since = self._cloud.records.now() - RECENT
        counts = Counter(kind for moment, kind in self._recent if moment > since)
        while self._recent and self._recent[0][0] <= since:
            self._recent.popleft()
        failure = self.last_failure
        failing = failure is not None and (counts["failed"] > 0 or failure.moment >= self._last_success)
        quiet = failure is None and not self._last_success
        return {
            "state": "failing" if failing else "quiet" if quiet else "ok",
            "calls": counts["call"], "failed": counts["failed"], "throttled": counts["throttled"],
        }  # fmt: skip


def _is_failure(call: ApiCall) -> bool:
    """Tell an API that fails, or lets nobody in, from one that refuses what a request asks for."""
    return call.account is None or call.http_status == 403 or call.http_status >= 500
