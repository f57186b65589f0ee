"""The shared quota's store in the simulation: slow, lost, gone, empty or with a wrong clock, and who cannot know of whom.

Three things are not promised of a shared quota (`handler.quota`), and calls that leave because of them are `apart`:

- Of a process that starts while it cannot reach the store, the calls that leave until it does.
- Of a process that has lost the store, the calls that leave from a second before the store gave slots to others that go on
  with it, and that do not keep to their static shares besides, as those do for a while that have lost it themselves.
- Of slots that were given out before the store forgot everything, those that whoever asked first did not know of.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import NamedTuple, NoReturn, TypeVar

from handler.pacing import catch_up
from handler.store import OVERDUE, PATIENCE, PAUSE, TRIES, Store
from tests.simulation.account import Call
from tests.simulation.plan import Plan
from tests.simulation.troubles import Troubles
from tests.simulation.valkey import Valkey
from tests.support.scheduler import Scheduler
from tests.support.virtual_time import EPOCH

QPS = 9.0
MOST_A_SECOND = 30
"""Calls of all operations that a process makes in a second at most."""
UNEVEN = 0.002
"""Seconds by which the ways there and back differ at most: half of it is what a process misjudges the server's clock by."""
STEPS = 3
FORTH = 0.01
"""Seconds that the clock is set forward at most: what is given out already comes as much nearer to what is given out next."""
LONGEST_OUTAGE = 8.0
RESTARTS = (0.0, 0.5)
"""Seconds that it is away at most while it is emptied."""
RETURNING = PAUSE + OVERDUE
LATE = 0.001
"""Seconds: what clocks that differ make of the same instant."""

T = TypeVar("T")


class Outage(NamedTuple):
    """A time in which nobody is answered; `silent`: nor refused. After it, everything may be forgotten."""

    begin: float
    end: float
    silent: bool
    empties: bool


@dataclass
class Server:
    """The store of a run: a Valkey with a clock of its own, and all that goes wrong with it and on the way to it."""

    plan: Plan
    scheduler: Scheduler
    troubles: Troubles
    _clients: dict[str, "Client"] = field(default_factory=dict)
    _over_at: dict[str, float] = field(default_factory=dict)
    """The instant at which all slots of an operation are over."""
    _lost: dict[str, float] = field(default_factory=dict)
    """The same of those that were given out before everything was forgotten, until somebody asks again."""

    def __post_init__(self) -> None:
        plan, self.random = self.plan, Random(f"store {self.plan.seed}")
        self._valkey = Valkey()
        self._began = EPOCH + self.random.uniform(-1e4, 1e4)
        outages = [self._draw_outage(LONGEST_OUTAGE, empties=False) for _ in range(plan.store_outages)]
        restarts = [self._draw_outage(self.random.choice(RESTARTS), empties=True) for _ in range(plan.store_restarts)]
        self._outages = sorted(outages + restarts)
        steps = (-plan.store_clock, min(plan.store_clock, FORTH))
        count = STEPS if plan.store_clock else 0
        self._steps = [(self._draw_moment(), self.random.choice(steps)) for _ in range(count)]
        self._restarts = 0

    def _draw_outage(self, longest: float, *, empties: bool) -> Outage:
        begin = self._draw_moment()
        return Outage(begin, begin + self.random.uniform(0, longest), self.random.random() < 0.5, empties)

    def _draw_moment(self) -> float:
        """While there is something to do."""
        return self.random.uniform(0, self.plan.spread + self.plan.requests / QPS)

    def client(self, instance: str) -> "Client":
        """A process starts."""
        self._clients[instance] = client = Client(self)
        return client

    def apart(self, call: Call) -> bool:
        """Whether a call that leaves now is one that others are not promised to know of."""
        client = self._clients[call.invocation.instance]
        if client.of.down:
            client.left.append(call)
            if client.alone or not client.shared:
                return True
        return self.scheduler.time <= client.forgotten.get(call.action, -math.inf)

    @property
    def outage(self) -> Outage | None:
        now = self.scheduler.time
        return next((each for each in self._outages if each.begin <= now < each.end), None)

    @property
    def now(self) -> int:
        """Microseconds of its clock."""
        now = self.scheduler.time
        return round((self._began + now + sum(by for at, by in self._steps if at <= now)) * 1e6)

    def run(self, client: "Client", key: str, arguments: Sequence[float]) -> list[int]:
        self._forget()
        self._valkey.now = self.now
        answer = self._valkey.run(key, arguments)
        now, slot, free, _, _ = answer
        if slot > 0:
            self._judge(client, key.rpartition(":")[2], over=(free - now) / 1e6, known=arguments[2])
        return answer

    def _forget(self) -> None:
        restarts = [each.end for each in self._outages if each.empties and each.end <= self.scheduler.time]
        if len(restarts) > self._restarts:
            self._restarts = len(restarts)
            self._valkey.forget()
            self._lost, self._over_at = {**self._lost, **self._over_at}, {}

    def _judge(self, client: "Client", operation: str, *, over: float, known: float) -> None:
        """Notes what others cannot know of: a slot is given out, and in so many seconds all are over, or those that the asker
        knew of."""
        now, lost = self.scheduler.time, self._lost.pop(operation, -math.inf)
        for other in self._clients.values():
            if other is client:
                continue
            if lost > now + known + LATE:
                other.forgotten[operation] = lost + catch_up(QPS)
            if other.of.down and not client.returning and not other.alone:
                other.alone = True
                for call in other.left:
                    call.apart |= call.left > now - 1
        self._over_at[operation] = now + over


@dataclass
class Client:
    """One process's way to the store."""

    server: Server
    of: Store = field(init=False)
    connected: bool = False
    shared: bool = False
    """Whether the store has ever answered it."""
    left: deque[Call] = field(default_factory=lambda: deque(maxlen=MOST_A_SECOND))
    """The last calls of this process without the store."""
    alone: bool = False
    """Whether others have gone on with the store since this process lost it."""
    returned: float = -math.inf
    forgotten: dict[str, float] = field(default_factory=dict)
    """Until when calls of an operation leave in slots that the store has forgotten."""

    @property
    def returning(self) -> bool:
        """Whether this process has to keep to its static share besides, because it had lost the store."""
        return self.of.down or self.server.scheduler.time < self.returned + RETURNING - LATE

    def run(self, key: str, arguments: Sequence[float]) -> Sequence[int]:
        self.alone = self.alone and self.of.down
        answer = self._ask(partial(self.server.run, self, key, arguments))
        if self.of.down:
            self.returned = self.server.scheduler.time
        self.shared = True
        return answer

    def _ask(self, effect: Callable[[], T]) -> T:
        """Raises: OSError: no answer of the last try either, whether or not there was an effect."""
        for _ in range(TRIES - 1):
            with suppress(OSError):
                return self._try(effect)
        return self._try(effect)

    def _try(self, effect: Callable[[], T]) -> T:
        fresh, self.connected = not self.connected, False
        if fresh:
            self._exchange(lambda: None)
        answer = self._exchange(effect)
        self.connected = True
        return answer

    def _exchange(self, effect: Callable[[], T]) -> T:
        server, random = self.server, self.server.random
        there, back = self._draw_ways()
        lost = random.choice(("request", "answer")) if server.troubles.strike(server.plan.store_lost, random) else None
        if there > PATIENCE:
            if lost != "request":
                server.scheduler.at(server.scheduler.time + there, lambda: self._arrive(effect))
            self._fall_silent(PATIENCE)
        server.scheduler.sleep(there)
        if server.outage is not None or lost == "request":
            self._refuse(PATIENCE - there)
        answer = effect()
        if lost == "answer" or there + back > PATIENCE:
            self._fall_silent(PATIENCE - there)
        server.scheduler.sleep(back)
        return answer

    def _draw_ways(self) -> tuple[float, float]:
        """Seconds there and back."""
        server, plan = self.server, self.server.plan
        there, back = (plan.store_latency + server.random.uniform(0, UNEVEN) for _ in range(2))
        if server.troubles.strike(plan.store_slow, server.random):
            late = server.random.uniform(0, 2 * PATIENCE)
            return (there + late, back) if server.random.random() < 0.5 else (there, back + late)
        return there, back

    def _arrive(self, effect: Callable[[], object]) -> None:
        """A request arrives that nobody waits for any more."""
        if self.server.outage is None:
            effect()

    def _refuse(self, patience: float) -> NoReturn:
        if self.server.outage is not None and self.server.outage.silent:
            self._fall_silent(patience)
        raise ConnectionResetError

    def _fall_silent(self, patience: float) -> NoReturn:
        self.server.scheduler.sleep(patience)
        raise TimeoutError


def refuse(_key: str, _arguments: Sequence[float]) -> NoReturn:
    """Ask a store that is not there."""
    raise ConnectionRefusedError
