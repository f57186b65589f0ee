"""Samples the calls of the last second: the moving line of each operation. Moments are monotonic seconds."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

from emulator.cloud import Cloud
from emulator.console.history import Trouble
from emulator.console.tail import Tail
from emulator.iot.service import ApiCall
from emulator.records import Arrival, Faulted

EVERY = 0.2
"""Seconds between samples."""
SPAN = 60.0
"""Seconds for which samples are kept."""
RECENT = 10.0
"""Seconds of calls by which the state of the API is judged."""
WINDOW = 1.0


@dataclass
class Sample:
    """Calls in the second before `moment`; and of those since the sample before, the throttled and the failed."""

    moment: float
    calls: dict[str, int] = field(default_factory=dict)
    throttled: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def as_json(self, shift: float) -> dict[str, object]:
        """Describe it for the page; `shift` makes monotonic seconds unix ones."""
        moment = round(self.moment + shift, 3)
        return {"t": moment, "calls": self.calls, "throttled": self.throttled, "failed": self.failed}


class Rates:
    """The samples of the last minute. A call that a fault kept from the API counts as any other."""

    def __init__(self, cloud: Cloud) -> None:
        self.samples: deque[Sample] = deque(maxlen=int(SPAN / EVERY))
        self.failures: Counter[str] = Counter()
        """Calls that failed since the start, by operation."""
        self.throttles: Counter[str] = Counter()
        """Those that were throttled."""
        self.last_failure: Trouble | None = None
        self._last_success = 0.0
        self._cloud = cloud
        self._throttled_before: Counter[str] = Counter()
        self._recent: deque[tuple[float, Literal["call", "throttled", "failed"]]] = deque()
        self._kept_off: deque[tuple[float, str]] = deque()
        """Calls that faults kept from the API, by operation."""
        self._events = Tail(lambda: cloud.records.events)
        self._calls = Tail(lambda: cloud.iot.calls)

    def take_sample(self) -> None:
        sample = Sample(self._cloud.records.now())
        self._count_throttled(sample)
        for call in self._calls.read_new():
            if call.http_status < 400:
                self._last_success = call.moment
            elif _is_failure(call):
                text = f"HTTP {call.http_status} {call.code}"
                self._fail(Trouble(call.moment, call.operation, text), sample)
        for event in self._events.read_new():
            if isinstance(event, Arrival) and event.service == "iot":
                self._recent.append((event.moment, "call"))
            elif isinstance(event, Faulted) and event.service == "iot":
                self._count_faulted(event, sample)
        self.throttles += sample.throttled
        self.failures += sample.failed
        sample.calls = self._count_calls(sample.moment)
        self.samples.append(sample)

    def _count_throttled(self, sample: Sample) -> None:
        """Count the calls that the API itself has throttled since the last sample."""
        total = Counter(self._cloud.iot.throttles)
        sample.throttled += total - self._throttled_before
        self._throttled_before = total
        self._recent.extend([(sample.moment, "throttled")] * sample.throttled.total())

    def _count_faulted(self, event: Faulted, sample: Sample) -> None:
        if not event.reached:
            self._kept_off.append((event.moment, event.operation))
        if event.fault == "throttle":
            sample.throttled[event.operation] += 1
            self._recent.append((event.moment, "throttled"))
            return
        text = f"HTTP {event.status}" if event.status else "no answer"
        self._fail(Trouble(event.moment, event.operation, f"{text} (fault: {event.fault})"), sample)

    def _fail(self, failure: Trouble, sample: Sample) -> None:
        sample.failed[failure.source] += 1
        self._recent.append((failure.moment, "failed"))
        if self.last_failure is None or failure.moment >= self.last_failure.moment:
            self.last_failure = failure

    def _count_calls(self, now: float) -> dict[str, int]:
        while self._kept_off and self._kept_off[0][0] <= now - WINDOW:
            self._kept_off.popleft()
        kept_off = Counter(operation for _, operation in self._kept_off)
        reached = self._cloud.iot.rates()
        return {name: reached.get(name, 0) + kept_off[name] for name in (*reached, *kept_off)}

    def describe_health(self) -> dict[str, object]:
        """Describe whether the API answers; the last call counts, however long ago it was."""
        since = self._cloud.records.now() - RECENT
        while self._recent and self._recent[0][0] <= since:
            self._recent.popleft()
        counts = Counter(kind for moment, kind in self._recent if moment > since)
        failure = self.last_failure
        if failure and (counts["failed"] or failure.moment >= self._last_success):
            state = "failing"
        else:
            state = "ok" if failure or self._last_success else "quiet"
        if "iot" in self._cloud.network.down:
            state = "down"
        return {"state": state, "calls": counts["call"], "failed": counts["failed"], "throttled": counts["throttled"]}


def _is_failure(call: ApiCall) -> bool:
    """Return True if the API failed or refused the caller, rather than what the request asks for."""
    return call.account is None or call.http_status == 403 or call.http_status >= 500
