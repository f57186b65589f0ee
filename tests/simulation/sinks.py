"""What takes the function's messages, and a client of it that loses, doubles and delays."""

import base64
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from mns.mns_exception import MNSClientNetworkException, MNSExceptionBase, MNSServerException

from handler.credentials import Credentials
from handler.smq import SHORTEST_SEND, MessageService
from tests.simulation.luck import Luck
from tests.simulation.plan import Plan
from tests.simulation.troubles import Troubles
from tests.support.scheduler import Scheduler

READ_TIMEOUT = 10.0
REQUESTS, DEAD, RESULTS = "requests", "dead", "results"

Effect = Callable[[], None]


class Sinks(Protocol):
    """The topic and the queues, as the world sees them."""

    def publish(self, body: str, tag: str) -> None: ...

    def dead_letter(self, body: str) -> None: ...

    def put_back(self, body: str, delay: float) -> None: ...

    def whose(self, event: str) -> int:
        """The number of the request that an outcome is about."""
        ...

    def failed(self, sink: str, bodies: Sequence[str]) -> None:
        """The function is not told that these were accepted."""
        ...


@dataclass
class Post:
    """The way to the sinks, for all instances."""

    plan: Plan
    scheduler: Scheduler
    troubles: Troubles
    sinks: Sinks
    luck: Luck = field(init=False)
    _random: Random = field(init=False)
    _published: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.luck = Luck(self.plan.seed)
        self._random = Random(f"sinks {self.plan.seed}")

    def chance(self, sink: str, body: str) -> Random:
        """What decides about a send: of outcomes, whose it is and how often it was published before."""
        if sink != RESULTS:
            return self._random
        number = self.sinks.whose(body)
        self._published[number] += 1
        return self.luck.of(sink, number, self._published[number])

    def fails(self, sink: str, chance: Random) -> bool:
        if sink == RESULTS:
            return self.troubles.topic_is_down or self.troubles.strike(self.plan.topic_faults, chance)
        return self.troubles.queues_are_down or self.troubles.strike(self.plan.queue_faults, chance)

    def down(self, sink: str) -> bool:
        return self.troubles.topic_is_down if sink == RESULTS else self.troubles.queues_are_down


@dataclass
class Client:
    """The SDK's client, without its wire: every send takes time and may fail before or after its effect."""

    post: Post
    timeout: float

    def publish_message(self, request: Any, _response: Any) -> None:
        body = _decoded(request.message_body)
        self._send(RESULTS, [body], [lambda: self.post.sinks.publish(body, request.message_tag)])

    def send_message(self, request: Any, _response: Any) -> None:
        self._send(request.queue_name, [_decoded(request.message_body)], [self._into(request.queue_name, request)])

    def batch_send_message(self, request: Any, _response: Any) -> None:
        bodies = [_decoded(entry.message_body) for entry in request.message_list]
        self._send(
            request.queue_name, bodies, [self._into(request.queue_name, entry) for entry in request.message_list]
        )

    def _into(self, queue: str, entry: Any) -> Effect:
        body, sinks = _decoded(entry.message_body), self.post.sinks
        if queue == DEAD:
            return lambda: sinks.dead_letter(body)
        return lambda: sinks.put_back(body, entry.delay_seconds)

    def _send(self, sink: str, bodies: Sequence[str], effects: Sequence[Effect]) -> None:
        post = self.post
        chance = post.chance(sink, bodies[0])
        fails = post.fails(sink, chance)
        accepted = len(effects) if not fails else 0 if post.down(sink) else chance.randint(0, len(effects))
        post.scheduler.sleep(chance.uniform(0.001, 0.02))
        for effect in effects[:accepted]:
            effect()
        if fails:
            post.sinks.failed(sink, bodies)
            raise self._fault(chance)
        post.scheduler.sleep(0.001)

    def _fault(self, chance: Random) -> MNSExceptionBase | KeyError:
        kind = chance.choice(("silence", "reset", "busy", "denied", "unreadable"))
        if kind == "silence":
            self.post.scheduler.sleep(self.timeout)
        if kind == "unreadable":
            return KeyError("x-mns-request-id")
        if kind in ("busy", "denied"):
            return MNSServerException("InternalError" if kind == "busy" else "AccessDenied", "no", "R", "host")
        return MNSClientNetworkException("NetWorkException", kind)


class SimulatedService(MessageService):
    """The function's own sending, retries included, through the simulated client."""

    def __init__(self, post: Post, clock: Any, chance: Callable[[], float]) -> None:
        super().__init__(None, clock, chance)  # type: ignore[arg-type]
        self._post = post
        self._now = clock.now

    def _client(self, keys: Credentials, until: float) -> Any:
        return Client(self._post, max(SHORTEST_SEND, min(READ_TIMEOUT, until - self._now())))


def _decoded(body: str) -> str:
    return base64.b64decode(body).decode()
