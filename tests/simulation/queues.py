"""The queue and the topic of the simulation, and a client of theirs that loses, doubles and delays."""

import base64
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mns.mns_exception import MNSClientNetworkException, MNSExceptionBase, MNSServerException

from handler.credentials import Credentials
from handler.smq import SHORTEST_SEND, MessageService
from tests.simulation.cloud import Cloud
from tests.simulation.records import Message

READ_TIMEOUT = 10.0
REQUESTS, DEAD, RESULTS = "requests", "dead", "results"


@dataclass
class Queue:
    """At least once, in no order that can be relied upon: what is received comes again unless it is deleted in time."""

    cloud: Cloud
    random: Random = field(init=False)
    _due: list[tuple[float, int, Message]] = field(default_factory=list)
    _left: dict[str, Message] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self.random = Random(f"queue {self.cloud.plan.seed}")

    def send(self, message: Message, delay: float = 0.0) -> None:
        self._left[message.id] = message
        self._appear(message, delay + self.random.uniform(0, 1))

    def receive(self, most: int) -> list[Message]:
        """What is visible; hidden then for the visibility timeout, unless it is delivered twice."""
        found: dict[str, Message] = {}
        while self._due and self._due[0][0] <= self.cloud.scheduler.time and len(found) < most:
            _, _, message = heapq.heappop(self._due)
            if message.id in self._left and message.id not in found:
                found[message.id] = message
                twice = self.cloud.chance(self.cloud.plan.repeats)
                self._appear(message, self.random.uniform(0, 5) if twice else self.cloud.plan.visibility)
        return list(found.values())

    def delete(self, message: Message) -> None:
        if not self.cloud.chance(self.cloud.plan.repeats):
            self._left.pop(message.id, None)

    @property
    def empty(self) -> bool:
        return not self._left

    @property
    def next_due(self) -> float:
        """When something may be visible next."""
        return self._due[0][0] if self._due else float("inf")

    def _appear(self, message: Message, delay: float) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.cloud.scheduler.time + delay, self._count, message))


@dataclass(frozen=True)
class Sinks:
    """What takes messages of the function, by name."""

    cloud: Cloud
    put_back: Callable[[str, int], None]
    dead_letter: Callable[[str], None]
    publish: Callable[[str, str], None]


@dataclass
class Client:
    """The SDK's client, without its wire: every send takes time and may fail before or after its effect."""

    sinks: Sinks
    timeout: float

    def publish_message(self, request: Any, _response: Any) -> None:
        self._send([lambda: self.sinks.publish(_decoded(request.message_body), request.message_tag)])

    def send_message(self, request: Any, _response: Any) -> None:
        self._send([self._into(request.queue_name, request)])

    def batch_send_message(self, request: Any, _response: Any) -> None:
        self._send([self._into(request.queue_name, entry) for entry in request.message_list])

    def _into(self, queue: str, entry: Any) -> Callable[[], None]:
        body = _decoded(entry.message_body)
        if queue == DEAD:
            return lambda: self.sinks.dead_letter(body)
        return lambda: self.sinks.put_back(body, entry.delay_seconds)

    def _send(self, effects: Sequence[Callable[[], None]]) -> None:
        cloud = self.sinks.cloud
        fails = cloud.chance(cloud.plan.sink_faults)
        accepted = cloud.random.randint(0, len(effects)) if fails else len(effects)
        cloud.scheduler.sleep(cloud.random.uniform(0.001, 0.02))
        for effect in effects[:accepted]:
            effect()
        if fails:
            raise self._fault()
        cloud.scheduler.sleep(0.001)

    def _fault(self) -> MNSExceptionBase | KeyError:
        cloud = self.sinks.cloud
        kind = cloud.random.choice(("silence", "reset", "busy", "denied", "unreadable"))
        if kind == "silence":
            cloud.scheduler.sleep(self.timeout)
        if kind == "unreadable":
            return KeyError("x-mns-request-id")
        if kind in ("busy", "denied"):
            return MNSServerException("InternalError" if kind == "busy" else "AccessDenied", "no", "R", "host")
        return MNSClientNetworkException("NetWorkException", kind)


class SimulatedService(MessageService):
    """The function's own sending, retries included, through the simulated client."""

    def __init__(self, sinks: Sinks, clock: Any, chance: Callable[[], float]) -> None:
        super().__init__(None, clock, chance)  # type: ignore[arg-type]
        self._sinks = sinks
        self._now = clock.now

    def _client(self, keys: Credentials, until: float) -> Any:
        return Client(self._sinks, max(SHORTEST_SEND, min(READ_TIMEOUT, until - self._now())))


def _decoded(body: str) -> str:
    return base64.b64decode(body).decode()
