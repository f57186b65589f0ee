"""The quota inside one process: calls of one operation leave evenly spaced, first come first served.

In any window of W seconds at most 1 + floor((W + tau) * rate) calls leave, where tau, a quarter of the interval between
two calls, is what a late wake-up may catch up; without late wake-ups tau is 0. Where a quarter would make one call more
fit into a second, it is less: in any second at most 1 + floor(rate) calls leave. What counts is when a call leaves, not
when it was to leave: whoever wakes looks again, so that calls whose slots passed while the process stood still do not
leave at once. Their slots are lost.
"""

import math
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol, TypeVar

from handler.clock import Clock
from handler.errors import OutOfTime

EARLY = 1e-6
"""Seconds: sleeping until an instant may end a rounding error before it."""
CATCH_UP = 0.25
"""Of an interval, at most; see `catch_up`."""
LONGEST_HOLD = 5.0
"""Seconds that nothing leaves at most, whatever a throttle asks for."""
SLOWER, SLOWEST = 0.7, 0.1
"""What a throttle leaves of the rate, and what all throttles together leave of the full rate."""
SAFE = 0.95
"""Of the rate that was refused: up to here it climbs quickly."""
RETURN, PROBE = 1 / 6, 0.0003
"""Steps: this part of the way to the safe rate; beyond it, at first, this part of the full rate."""
CALM = 8.0
"""Seconds without a slow-down after which the steps begin to grow."""

T = TypeVar("T")
_left: ContextVar[float] = ContextVar("left")


def left_at(now: float) -> float:
    """When the last call of this thread left; `now` where there was none."""
    return _left.get(now)


def catch_up(rate: float) -> float:
    """Seconds that a late wake-up may catch up (tau), at `rate` calls a second."""
    return min(CATCH_UP, 1 + math.floor(rate) - rate) / rate


class Quota(Protocol):
    """What stands between us and the API: every call waits here, and every answer is told."""

    def wait(self, operation: str, deadline: float) -> float:
        """Blocks until the next call of `operation` may leave; returns the seconds waited.

        Raises: OutOfTime: as soon as the slot lies behind `deadline` (an instant of the clock); no slot is taken then.
        """
        ...

    def throttled(self, operation: str, retry_after: float) -> None:
        """This thread's last call was refused as one too many; nothing leaves for `retry_after` seconds (0 to 5)."""
        ...

    def accepted(self, operation: str) -> None:
        """This thread's last call was answered, and the answer was no throttle."""
        ...


class Gate(ABC):
    """When the calls of one operation may leave. Everything but `fetch` is called with the lock held."""

    lock: threading.Lock

    def missing(self, now: float, ahead: int, waiting: int) -> int:  # noqa: ARG002 - only some gates have to fetch
        """How many slots whoever has `ahead` others before it should fetch now; then it must call `fetch`."""
        return 0

    def fetch(self, count: int, deadline: float) -> None:
        """Fetch so many slots, the first of them before `deadline`."""
        raise NotImplementedError

    @property
    @abstractmethod
    def interval(self) -> float:
        """Seconds between two slots, at the rate of the moment."""

    @abstractmethod
    def slot(self, now: float, ahead: int) -> float:
        """The instant, `now` or later, at which a call with `ahead` others before it may leave, as far as is known."""

    def look(self, now: float, ahead: int) -> float:
        """The instant after `now` at which a call that may not leave yet should look again.

        With others before it, half-way: so that a slot that was given back, or a rate that rose, is noticed in time to be used.
        """
        return max(self.slot(now, ahead // 2), now + self.interval / 2) if ahead else self.slot(now, 0)

    @abstractmethod
    def leave(self, now: float, *, slept: bool) -> None:
        """A call leaves. Only one that `slept` until its slot may catch up what it comes late."""


class Made(dict[str, T]):
    """Values that are made when they are first asked for, each once, whoever asks."""

    def __init__(self, make: Callable[[str], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> T:
        return self.setdefault(key, self._make(key))


class Line:
    """Those who wait to call one operation, in the order in which they came."""

    def __init__(self, operation: str, gate: Gate, clock: Clock) -> None:
        self._operation = operation
        self._gate = gate
        self._clock = clock
        self._waiting: deque[object] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, deadline: float) -> float:
        ticket = object()
        try:
            start = now = self._join(ticket, deadline)
            while (pause := self._look(ticket, deadline, slept=now > start)) is not None:
                self._clock.sleep(pause)
                now = self._clock.now()
        finally:
            self._quit(ticket)
        return left_at(start) - start

    def _join(self, ticket: object, deadline: float) -> float:
        with self._gate.lock:
            now = self._clock.now()
            self._check(now, len(self._waiting), deadline)
            self._waiting.append(ticket)
            return now

    def _look(self, ticket: object, deadline: float, *, slept: bool) -> float | None:
        """The seconds to sleep before the next look; None: the call has left."""
        while True:
            with self._gate.lock:
                now = self._clock.now()
                ahead = self._waiting.index(ticket)
                slot = self._check(now, ahead, deadline)
                count = self._gate.missing(now, ahead, len(self._waiting))
                if not count and not ahead and slot <= now + EARLY:
                    self._leave(now, slept=slept)
                    return None
                if not count:
                    return self._gate.look(now, ahead) - now
            self._gate.fetch(count, deadline)

    def _leave(self, now: float, *, slept: bool) -> None:
        self._gate.leave(now, slept=slept)
        self._waiting.popleft()
        _left.set(now)

    def _check(self, now: float, ahead: int, deadline: float) -> float:
        slot = self._gate.slot(now, ahead)
        if slot > deadline + EARLY:
            raise OutOfTime(self._operation, slot - now)
        return slot

    def _quit(self, ticket: object) -> None:
        with self._gate.lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)


class Speed:
    """The rate of the moment, in calls a second: never above `full`.

    A throttle takes it down to 0.7 of what it was, and every accepted call brings it a step back: quickly up to just
    below the rate that was refused, slowly beyond it, and faster the longer nothing was refused. A verdict on a call
    that left before the last slow-down says nothing about the new rate and is passed over: twenty calls that are on
    their way may all be refused, and count once.

    The constants are from simulations of a minute at 9 a second beside another tenant that takes half of the ten: with
    the API's latency at 50 ms, 500 ms and 2 s this gets 89, 90 and 85 % of what the other leaves, and 2, 4 and 7 % of
    its calls are throttled (at 2 s half of these are on their way already when the first throttle comes back). After
    one stray throttle the full rate is back in some fifteen seconds, from the slowest in two minutes.
    """

    def __init__(self, full: float) -> None:
        self.full = self.rate = self._safe = full
        self._slowed = -math.inf

    @property
    def interval(self) -> float:
        return 1 / self.rate

    def throttled(self, left: float, now: float) -> None:
        if left > self._slowed:
            self._safe, self._slowed = self.rate * SAFE, now
            self.rate = max(self.rate * SLOWER, self.full * SLOWEST)

    def accepted(self, left: float, now: float) -> None:
        if self.rate < self.full and left > self._slowed:
            probe = self.full * PROBE * max(1.0, (now - self._slowed) / CALM)
            self.rate = min(self.rate + max((self._safe - self.rate) * RETURN, probe), self.full)


class Spacing(Gate):
    """The gate of one process: GCRA with a burst of one. One number says from when on the next call may leave."""

    def __init__(self, rate: float) -> None:
        self.lock = threading.Lock()
        self.speed = Speed(rate)
        self._late = catch_up(rate) * rate
        self._free = self._held = -math.inf

    @property
    def interval(self) -> float:
        return self.speed.interval

    def slot(self, now: float, ahead: int) -> float:
        interval = self.speed.interval
        # Neither lies further ahead than this, unless the clock went back; and nobody may be stuck then.
        self._free = min(self._free, now + interval)
        self._held = min(self._held, now + LONGEST_HOLD)
        return max(now, self._free, self._held) + ahead * interval

    def leave(self, now: float, *, slept: bool) -> None:
        interval = self.speed.interval
        slot = max(self._free, self._held, now - interval * self._late) if slept else now
        self._free = max(self._free, min(slot, now)) + interval

    def throttled(self, left: float, now: float, retry_after: float) -> None:
        self.speed.throttled(left, now)
        self.hold(now + min(max(retry_after, 0.0), LONGEST_HOLD))

    def hold(self, until: float) -> None:
        """Nothing leaves before then, five seconds at most."""
        self._held = max(self._held, until)


class Pacer:
    """The quota of one process: `rate` calls a second of each operation."""

    def __init__(self, rate: float, clock: Clock) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate must be a positive number of calls a second, not {rate}")
        self._clock = clock
        self._gates = Made(lambda _operation: Spacing(rate))
        self._lines = Made(lambda operation: Line(operation, self._gates[operation], clock))

    def wait(self, operation: str, deadline: float) -> float:
        return self._lines[operation].wait(deadline)

    def throttled(self, operation: str, retry_after: float) -> None:
        gate = self.gate(operation)
        with gate.lock:
            now = self._clock.now()
            gate.throttled(left_at(now), now, retry_after)

    def accepted(self, operation: str) -> None:
        gate = self.gate(operation)
        with gate.lock:
            now = self._clock.now()
            gate.speed.accepted(left_at(now), now)

    def waiting(self) -> int:
        """How many calls wait now."""
        return sum(map(len, list(self._lines.values())))

    def gate(self, operation: str) -> Spacing:
        return self._gates[operation]
