"""What takes the function's messages, and a way there that loses, doubles and delays them."""

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from handler.errors import Unanswered
from handler.http1 import Answer
from tests.simulation.luck import Chance, Luck
from tests.simulation.plan import Plan
from tests.simulation.troubles import Troubles
from tests.support.scheduler import Scheduler

READ_TIMEOUT = 10.0
REQUESTS, DEAD, RESULTS = "requests", "dead", "results"

_BODY = re.compile("<MessageBody>(.*?)</MessageBody>")
_DETAIL = re.compile("<(?:MessageTag|DelaySeconds)>(.*?)</")


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
    _chance: Chance = field(init=False)
    _published: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.luck = Luck(self.plan.seed)
        self._chance = self.luck.of("queues")

    def chance(self, sink: str, body: str) -> Chance:
        """What decides about a send: of outcomes, whose it is and how often it was published before."""
        if sink != RESULTS:
            return self._chance
        number = self.sinks.whose(body)
        self._published[number] += 1
        return self.luck.of(sink, number, self._published[number])

    def fails(self, sink: str, chance: Chance) -> bool:
        if sink == RESULTS:
            return self.troubles.topic_is_down or self.troubles.strike(self.plan.topic_faults, chance)
        return self.troubles.queues_are_down or self.troubles.strike(self.plan.queue_faults, chance)

    def down(self, sink: str) -> bool:
        return self.troubles.topic_is_down if sink == RESULTS else self.troubles.queues_are_down


@dataclass
class Wire:
    """The way to SMQ of one instance: every send takes time and may fail before or after its effect."""

    post_office: Post

    def post(self, target: str, seconds: float, body: bytes, headers: Mapping[str, str]) -> Answer:
        post, document = self.post_office, body.decode()
        _, kind, sink, _ = target.split("/")
        sink = RESULTS if kind == "topics" else sink
        bodies = [base64.b64decode(encoded).decode() for encoded in _BODY.findall(document)]
        details = _DETAIL.findall(document)
        chance = post.chance(sink, bodies[0])
        fails = post.fails(sink, chance)
        accepted = len(bodies) if not fails else 0 if post.down(sink) else chance.randint(0, len(bodies))
        post.scheduler.sleep(chance.uniform(0.001, 0.02))
        for text, detail in list(zip(bodies, details, strict=True))[:accepted]:
            self._take(sink, text, detail)
        if fails:
            post.sinks.failed(sink, bodies)
            return self._fault(chance, min(READ_TIMEOUT, seconds))
        post.scheduler.sleep(0.001)
        return Answer(201, {}, b"<Message><MessageId>1</MessageId></Message>" * len(bodies))

    def _take(self, sink: str, body: str, detail: str) -> None:
        sinks = self.post_office.sinks
        if sink == RESULTS:
            sinks.publish(body, detail)
        elif sink == DEAD:
            sinks.dead_letter(body)
        else:
            sinks.put_back(body, int(detail))

    def _fault(self, chance: Chance, timeout: float) -> Answer:
        """Raises: Unanswered."""
        kind = chance.choice(("silence", "reset", "busy", "denied", "unreadable"))
        if kind == "silence":
            self.post_office.scheduler.sleep(timeout)
        if kind in ("silence", "reset"):
            raise Unanswered("NoAnswer", kind)
        code = {"busy": b"<Code>InternalError</Code>", "denied": b"<Code>AccessDenied</Code>"}.get(kind, b"garbage")
        return Answer(500, {}, code)
