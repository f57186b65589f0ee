"""Shares one quota: keeps the spacing of `handler.pacing` in Valkey or Redis, for all processes with the same key.

A script on the server gives out slots by the server's clock, one per round trip, and the first two callers that wait in a
process hold one each. A slot is used within tau (a quarter of an interval) or lost, never used late; if answers take longer
than tau, slots are requested that far ahead. Each process also checks its own spacing. Between processes, tau grows by the
error of their view of the server's clock: half the time of the quickest round trips, about a millisecond.

The store may be slow, down, restarted empty or failing over. Then each process continues alone, at its static share, and tries
the store again after a pause. The change causes no burst:

- A process alone starts its share a second after the last slot that may have been given out, and uses none of its own slots:
  so no second holds calls of both kinds.
- A process that comes back needs a slot and obeys its share as well, until every other process must have come back.
- A store that forgot everything starts as late as a process alone would.

Limits: static shares add up to the rate only if OTA_QUOTA_INSTANCES is right. If one process loses the store (two late
answers in a row) while others keep it, because they reach it, were idle or have just started, its static share comes on
top of the rate until it finds the store again, which takes seconds. If the server's clock is set forward, slots that were
given out come closer to the next ones by as much.
"""

import math
from collections import deque

from handler.clock import Clock
from handler.errors import OutOfTime
from handler.log import Log
from handler.pacing import EARLY, Line, Pacer, Speed, left_at
from handler.store import Answer, Question, Run, Store

AHEAD = 2
"""Slots that a process may hold. A throttle or an outage takes effect after the slots of all processes."""
POLL = 0.01
"""Seconds after which a caller without a slot asks again."""
SILENCE = 1.0
"""Seconds between the last slot of a store that is lost and the first call of a process alone."""
FAR = 10.0**6
"""Seconds: the longest deadline of a question."""


class SharedLine(Line):
    """Queues the callers of one operation in a process: they need slots of the store, or without it obey the static share."""

    def __init__(self, operation: str, share: float, clock: Clock, rate: float, store: Store, key: str) -> None:
        super().__init__(operation, share, clock)
        self._rate = rate
        self._shared = Speed(rate)
        self._store = store
        self._key = key
        self._slots: deque[float] = deque()
        self._accepted = 0
        self._next = -math.inf
        """When the store may have a slot, as far as is known."""
        self._silence = 0.0
        """Seconds from the loss of the store to the first call of this process alone: a second after the last slot of others, if
        they still hold as many as at the last answer."""

    def throttled(self, hold: float) -> None:
        super().throttled(hold)
        if not self._store.down:
            now = self._clock.now()
            self._ask(age=now - left_at(now), hold=hold)

    def accepted(self) -> None:
        super().accepted()
        with self._lock:
            self._accepted += left_at(self._clock.now()) > self._shared.slowed

    def _look(self, ticket: object, came: float, deadline: float) -> float:
        if self._needs_slot(ticket):
            self._fetch(deadline)
        return super()._look(ticket, came, deadline)

    def _needs_slot(self, ticket: object) -> bool:
        """Tell whether this call has to ask the store for a slot, before it waits or leaves."""
        with self._lock:
            now = self._clock.now()
            ahead = self._waiting.index(ticket)
            if self._store.down:  # a try may take a while, so the next to leave does not make it
                return self._store.ready(now) and (ahead > 0 or len(self._waiting) == 1)
            self._drop_missed(now)
            may_leave = self._store.settled(now) or super()._slot(now, ahead) <= now + EARLY
            return len(self._slots) <= ahead < AHEAD and may_leave

    def _fetch(self, deadline: float) -> None:
        """Ask the store for a slot. Raises: OutOfTime: it has none before the deadline."""
        answer = self._ask(latest=min(max(deadline - self._clock.now(), 0.0), FAR))
        if answer is None:
            return
        if answer.slot is None:
            raise OutOfTime(self._operation, answer.free - answer.now)
        with self._lock:
            self._slots = deque(sorted([*self._slots, answer.slot]))

    def _ask(self, **asked: float) -> Answer | None:
        with self._lock:
            accepted, self._accepted = self._accepted, 0
            question = Question(self._rate, silence=self._silence, accepted=accepted, **asked)
        answer = self._store.ask(self._key, question)
        if answer is not None:
            with self._lock:
                self._next, self._silence = answer.free, max(answer.free - answer.now, 0.0) + SILENCE
                self._shared.rate, self._shared.slowed = answer.rate, answer.slowed
        return answer

    @property
    def _speed(self) -> Speed:
        return self._shared if self._store.settled(self._clock.now()) else self._alone

    def _slot(self, now: float, ahead: int) -> float:
        if self._store.down:
            self._held = max(self._held, self._store.lost_at + self._silence)
            return super()._slot(now, ahead)
        self._drop_missed(now)
        more = ahead - len(self._slots)
        given = self._slots[ahead] if more < 0 else max(self._next, now + POLL) + more * self._shared.interval
        return max(given, super()._slot(now, ahead))

    def _leave(self, now: float, came: float) -> None:
        super()._leave(now, came)
        if self._slots:
            self._slots.popleft()

    def _drop_missed(self, now: float) -> None:
        while self._slots and now - self._slots[0] > self._shared.catch_up + EARLY:
            self._slots.popleft()


class SharedQuota(Pacer):
    """The quota of all processes with the same `key`: together `rate` calls a second of each operation.

    `share` is this process's rate while the store at `url` is not available. `run` replaces that store.
    Raises: SettingError: the address is invalid, or the package redis is missing.
    """

    def __init__(
        self, url: str, key: str, rate: float, share: float, clock: Clock, log: Log, run: Run | None = None
    ) -> None:
        super().__init__(rate, clock)
        self._share = share
        self._key = key
        self._store = Store(url, clock, log, run)

    def _make(self, operation: str) -> Line:
        # The braces keep all operations of a key on one node of a cluster.
        key = f"{{{self._key}}}:{operation}"
        return SharedLine(operation, self._share, self._clock, self._rate, self._store, key)
