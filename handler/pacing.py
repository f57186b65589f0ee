"""Paces calls inside one process: calls of one operation leave evenly spaced, first come first served.

In any window of W seconds at most 1 + floor((W + tau) * rate) calls leave, where tau, a quarter of the interval between
two calls, is how much a late wake-up may catch up; without late wake-ups tau is 0. If a quarter would let one more call
fit into a second, tau is less: in any second at most 1 + floor(rate) calls leave. The time at which a call really leaves
counts: after a stall, every caller checks the time again, so calls whose slots have passed do not leave together. Their
slots are lost.
"""

import math
import threading
from collections import deque
from contextvars import ContextVar
from typing import Protocol

from handler.clock import Clock
from handler.errors import OutOfTime

EARLY = 1e-6
"""Seconds: sleeping until an instant may end a rounding error before it."""
CATCH_UP = 0.25
"""At most this part of an interval; see `catch_up`."""
LONGEST_HOLD = 5.0
"""Longest pause of all calls in seconds, whatever a throttle asks for."""
SLOWER, SLOWEST = 0.7, 0.1
"""Factor of each throttle on the rate, and the lowest rate as a part of the full one."""
SAFE = 0.95
"""The part of the refused rate up to which the rate climbs quickly."""
RETURN, PROBE = 1 / 6, 0.0003
"""Steps: this part of the way to the safe rate; beyond it, at first, this part of the full rate."""
CALM = 8.0
"""Seconds without a slow-down after which the steps begin to grow."""

_left: ContextVar[float] = ContextVar("left")


def left_at(now: float) -> float:
    """Return when the last call of this thread left; `now` where there was none."""
    return _left.get(now)


def catch_up(rate: float) -> float:
    """Return the seconds that a late wake-up may catch up (tau), at `rate` calls a second."""
    return min(CATCH_UP, 1 + math.floor(rate) - rate) / rate


class Quota(Protocol):
    """Limits calls of the API: every call waits here, and every answer is reported."""

    def wait(self, operation: str, deadline: float) -> float:
        """Block until the next call of `operation` may leave; return the seconds waited.

        Raises: OutOfTime: as soon as the slot lies behind `deadline` (an instant of the clock); no slot is taken then.
        """
        ...

    def throttled(self, operation: str, retry_after: float) -> None:
        """Report that this thread's last call was throttled: nothing leaves for `retry_after` seconds (0 to 5)."""
        ...

    def accepted(self, operation: str) -> None:
        """Report that this thread's last call was answered and not throttled."""
        ...


class Speed:
    """The current rate, in calls a second: never above `full`.

    A throttle multiplies it by 0.7, and every accepted call raises it a step: quickly up to just below the rate that
    was refused, slowly beyond it, and faster the longer nothing was refused. The answer to a call that left before the
    last slow-down is ignored: twenty calls in flight may all be refused, and count once.

    The constants are from simulations of a minute at 9 a second beside another tenant that takes half of the ten: with
    the API's latency at 50 ms, 500 ms and 2 s this gets 89, 90 and 85 % of what the other leaves, and 2, 4 and 7 % of
    its calls are throttled (at 2 s half of these are in flight when the first throttle comes back). After
    one stray throttle the full rate is back in some fifteen seconds, from the slowest in two minutes.
    """

    def __init__(self, full: float) -> None:
        self._full = self.rate = self._safe = full
        self.slowed = -math.inf
        self.catch_up = catch_up(full)

    @property
    def interval(self) -> float:
        """Seconds between two slots."""
        return 1 / self.rate

    def throttled(self, left: float, now: float) -> None:
        if left > self.slowed:
            self._safe, self.slowed = self.rate * SAFE, now
            self.rate = max(self.rate * SLOWER, self._full * SLOWEST)

    def accepted(self, left: float, now: float) -> None:
        if self.rate < self._full and left > self.slowed:
            probe = self._full * PROBE * max(1.0, (now - self.slowed) / CALM)
            self.rate = min(self.rate + max((self._safe - self.rate) * RETURN, probe), self._full)


class Line:
    """Queues the callers of one operation in their order, and decides when the next may leave.

    The spacing is GCRA with a burst of one: a single number holds the earliest time of the next call.
    """

    def __init__(self, operation: str, rate: float, clock: Clock) -> None:
        self._operation = operation
        self._clock = clock
        self._alone = Speed(rate)
        self._lock = threading.Lock()
        self._waiting: deque[object] = deque()
        self._free = self._held = -math.inf

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, deadline: float) -> float:
        ticket = object()
        came = self._join(ticket, deadline)
        try:
            while pause := self._look(ticket, came, deadline):
                self._clock.sleep(pause)
        finally:
            with self._lock:
                self._waiting.remove(ticket)
        return left_at(came) - came

    def throttled(self, hold: float) -> None:
        with self._lock:
            now = self._clock.now()
            self._speed.throttled(left_at(now), now)
            self._held = max(self._held, now + hold)

    def accepted(self) -> None:
        with self._lock:
            now = self._clock.now()
            self._speed.accepted(left_at(now), now)

    def _join(self, ticket: object, deadline: float) -> float:
        with self._lock:
            now = self._clock.now()
            self._check(now, len(self._waiting), deadline)
            self._waiting.append(ticket)
            return now

    def _look(self, ticket: object, came: float, deadline: float) -> float:
        """Let the call leave if it is its turn; return the seconds until it should look again, 0 if it has left."""
        with self._lock:
            now = self._clock.now()
            ahead = self._waiting.index(ticket)
            slot = self._check(now, ahead, deadline)
            if ahead:  # half of the time: a caller before it may give up, or the rate may rise
                return max(slot - now, self._speed.interval) / 2
            if slot > now + EARLY:
                return slot - now
            self._leave(now, came)
            return 0.0

    def _check(self, now: float, ahead: int, deadline: float) -> float:
        slot = self._slot(now, ahead)
        if slot > deadline + EARLY:
            raise OutOfTime(self._operation, slot - now)
        return slot

    @property
    def _speed(self) -> Speed:
        return self._alone

    def _slot(self, now: float, ahead: int) -> float:
        """Return the instant, `now` or later, at which a call with `ahead` others before it may leave, as far as is known."""
        interval = self._speed.interval
        # Neither lies further ahead than this unless the clock went back, and no caller may get stuck then.
        self._free = min(self._free, now + interval)
        self._held = min(self._held, now + LONGEST_HOLD)
        return max(now, self._free, self._held) + ahead * interval

    def _leave(self, now: float, came: float) -> None:
        """Let a call leave. The next slot counts from when this one was due, so that it catches up a little of a delay."""
        due = min(max(self._free, self._held, came, now - self._speed.catch_up), now)
        self._free = due + self._speed.interval
        _left.set(now)


class Pacer:
    """The quota of one process: `rate` calls a second of each operation."""

    def __init__(self, rate: float, clock: Clock) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate must be a positive number of calls a second, not {rate}")
        self._rate = rate
        self._clock = clock
        self._lines: dict[str, Line] = {}

    def wait(self, operation: str, deadline: float) -> float:
        return self._line(operation).wait(deadline)

    def throttled(self, operation: str, retry_after: float) -> None:
        self._line(operation).throttled(min(max(retry_after, 0.0), LONGEST_HOLD))

    def accepted(self, operation: str) -> None:
        self._line(operation).accepted()

    def waiting(self) -> int:
        """Count the calls that wait now."""
        return sum(map(len, list(self._lines.values())))

    def _line(self, operation: str) -> Line:
        """Return the operation's line; the first caller makes it."""
        if operation not in self._lines:
            self._lines.setdefault(operation, self._make(operation))
        return self._lines[operation]

    def _make(self, operation: str) -> Line:
        return Line(operation, self._rate, self._clock)
