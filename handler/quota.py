"""One quota for many: the spacing of `handler.pacing`, kept in Valkey or Redis for all who use the same key.

A script on the server gives out slots by the server's clock, in one round trip, and two at once where more than one
waits: so all processes take turns, and a turn is short. A slot is used within tau (a quarter of an interval) or lost; it
is never used late; where answers take longer than tau, it is asked for that far ahead. Each process checks its own
spacing besides, whatever the server says. Between processes, tau grows by how exactly they know the server's clock: by
half the time of the quickest round trips, a millisecond or so.

The store may be slow, down, restarted empty or failing over. Then each process goes on by itself, at the static share
that its fallback holds, and tries the store again after a pause. No burst comes of the change:

- Slots that were given out stay good. A process alone begins with its share a second after all slots are over that may
  have been given out: so no second holds calls of both kinds.
- A process that comes back needs a slot and obeys its share as well, until every other process must have come back.
- A store that forgot everything (the record's birth differs) starts as late as a process alone would.

What remains: static shares add up to the rate only where OTA_QUOTA_INSTANCES is right. Nobody sees an outage for another:
where one process loses the store (two answers in a row that are late) while others go on with it, because they reach it,
were idle or have just started, its static share comes on top of the rate until it finds the store again, which takes it
seconds. And a clock of the server that is set forward brings the slots that were given out as much nearer to those that
come next.
"""

import math
from collections import deque

from handler.clock import Clock
from handler.log import Log
from handler.pacing import EARLY, LONGEST_HOLD, Gate, Line, Made, Pacer, Spacing, catch_up, left_at
from handler.store import REMEMBERED, Answer, Client, Question, Store

LEAD = 0.3
"""Seconds before the last slot at which the next ones are fetched: longer than a slow answer takes."""
POLL = 0.01
"""Seconds between two looks for slots that somebody is fetching."""
MOST = 2
"""Slots in one reservation. What all processes hold together is how long a throttle or an outage takes to be felt."""
SILENCE = 1.0
"""Seconds between the last slot of a store that is lost and the first call of a process alone."""
MOST_VERDICTS = 100
FAR = 10**12
"""Microseconds: a deadline as far away as any."""


class Slots(Gate):
    """The gate of one operation: slots that the store gave out, and without a store the static share."""

    def __init__(self, key: str, rate: float, share: Spacing, store: Store, clock: Clock) -> None:
        self.lock = share.lock
        self._key = key
        self._rate = rate
        self._share = share
        self._own = Spacing(rate)
        self._store = store
        self._clock = clock
        self._slots: deque[float] = deque()
        self._fetching = False
        self._accepted = 0
        self._last = Answer("", -math.inf, 0.0, 1 / rate, 0, -math.inf, -math.inf)
        self._refused = -math.inf

    def missing(self, now: float, ahead: int, waiting: int) -> int:
        if self._fetching or not self._store.ready(now):
            return 0
        count = self._wanted(now, ahead, waiting)
        self._fetching = count > 0
        return count

    def _wanted(self, now: float, ahead: int, waiting: int) -> int:
        if self._store.down:  # to try it may take a while, which the next to leave does not have
            return 1 if ahead or waiting == 1 else 0
        if not self._store.settled(now):
            return 1 if not ahead and not self._slots and self._share.slot(now, 0) <= now + EARLY else 0
        # Nobody asks for others alone: the store may refuse because of the asker's deadline, and only the asker notices.
        if ahead < len(self._slots) or (self._slots and self._slots[-1] - now > LEAD):
            return 0
        return min(waiting - len(self._slots), MOST)

    def fetch(self, count: int, deadline: float) -> None:
        try:
            now = self._clock.now()
            answer = self._ask(count, int(min(max(deadline - now, 0.0) * 1e6, FAR)))
            if answer is not None:
                with self.lock:
                    given = (answer.first + n * answer.interval for n in range(answer.given))
                    self._slots = deque(sorted([*self._slots, *given]))
                    if not answer.given:
                        self._refused = deadline + 2 * EARLY
        finally:
            with self.lock:
                self._fetching = False

    def _ask(self, wanted: int = 0, latest: int = 0, age: int = -1, hold: int = 0) -> Answer | None:
        with self.lock:
            accepted, self._accepted = self._accepted, 0
            known = self._clock.now() - self._last.now <= REMEMBERED
            birth, given = (self._last.birth, int(self._silence * 1e6)) if known else ("", 0)
        lead = int(self._store.trip * 1e6)  # what is over when the answer comes is lost, and so would the next be
        question = Question(self._rate, wanted, latest, birth, given, accepted, age, hold, lead)
        answer = self._store.ask(self._key, question)
        if answer is not None:
            with self.lock:
                self._last, self._refused = answer, -math.inf
        return answer

    @property
    def _silence(self) -> float:
        """Seconds after which a second has passed without any slot that others may have, had the store just been lost.

        They will have taken as many as they had at the last answer.
        """
        return max(self._last.free - self._last.now, 0.0) + SILENCE if self._last.birth else 0.0

    @property
    def interval(self) -> float:
        return self._last.interval

    def slot(self, now: float, ahead: int) -> float:
        self._notice(now)
        more = ahead - len(self._slots)
        if more < 0:
            at = self._slots[ahead]
        elif self._store.down:
            at = self._share.slot(now, more)
        else:
            at = max(self._last.free, self._refused, now + POLL) + more * self._last.interval
        if not self._store.down and not self._store.settled(now):
            at = max(at, self._share.slot(now, ahead))
        return max(at, self._own.slot(now, ahead))

    def look(self, now: float, ahead: int) -> float:
        at = super().look(now, ahead)
        if self._slots and ahead == len(self._slots):  # the one who is to fetch the next slots
            at = min(at, max(self._slots[-1] - LEAD, now + POLL))
        return at

    def leave(self, now: float, *, slept: bool) -> None:
        given = bool(self._slots) and self._slots[0] <= now + EARLY
        if given:
            self._slots.popleft()
        if not given or not (self._store.down or self._store.settled(now)):
            self._share.leave(now, slept=slept)
        self._own.leave(now, slept=True)

    def throttled(self, left: float, now: float, retry_after: float) -> bool:
        """Whether the store was told."""
        hold = min(max(retry_after, 0.0), LONGEST_HOLD)
        with self.lock:
            if hold:
                self._share.hold(now + hold)
                self._slots = deque(slot for slot in self._slots if slot >= now + hold)
            if self._store.down:
                return False
        return self._ask(age=int((now - left) * 1e6), hold=int(hold * 1e6)) is not None

    def accepted(self, left: float) -> bool:
        """Whether the store will be told."""
        with self.lock:
            if not self._store.down and self._last.interval > 1.001 / self._rate and left > self._last.slowed:
                self._accepted = min(self._accepted + 1, MOST_VERDICTS)
            return not self._store.down

    def _notice(self, now: float) -> None:
        while self._slots and now - self._slots[0] > catch_up(self._rate) + EARLY:
            self._slots.popleft()
        if self._store.down:
            self._share.hold(self._store.lost_at + self._silence)


class SharedQuota:
    """The quota of all who use the same `key`: `rate` calls a second of each operation together.

    `fallback` holds the static share, for as long as the store at `url` cannot be relied upon. `client` is what it is
    asked through, where that is not to be a connection to `url`.
    Raises: SettingError: the address is none, or the package redis is missing.
    """

    def __init__(
        self, url: str, key: str, rate: float, fallback: Pacer, clock: Clock, log: Log, client: Client | None = None
    ) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"a rate must be a positive number of calls a second, not {rate}")
        self._fallback = fallback
        self._clock = clock
        self._store = store = Store(url, clock, log, client)
        # The braces keep all operations of a key on one node of a cluster.
        self._gates = Made(lambda name: Slots(f"{{{key}}}:{name}", rate, fallback.gate(name), store, clock))
        self._lines = Made(lambda name: Line(name, self._gates[name], clock))

    def wait(self, operation: str, deadline: float) -> float:
        return self._lines[operation].wait(deadline)

    def throttled(self, operation: str, retry_after: float) -> None:
        now = self._clock.now()
        if not self._gates[operation].throttled(left_at(now), now, retry_after):
            self._fallback.throttled(operation, retry_after)

    def accepted(self, operation: str) -> None:
        if not self._gates[operation].accepted(left_at(self._clock.now())):
            self._fallback.accepted(operation)

    def waiting(self) -> int:
        """How many calls wait now."""
        return sum(map(len, list(self._lines.values())))
