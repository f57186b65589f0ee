"""What takes the function's messages, and a way there that loses, doubles and delays them."""

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Protocol

from handler.errors import Unanswered
from handler.http1 import Answer
from tests.simulation.luck import Chance, Luck
from tests.simulation.plan import Plan
from tests.simulation.troubles import Troubles
from tests.support.scheduler import Scheduler

READ_TIMEOUT = 10.0
_ACCEPTED = b"<Message><MessageId>1</MessageId></Message>"
_REFUSED = b"<Message><ErrorCode>InternalError</ErrorCode></Message>"
_DENIED = Answer(403, {}, b"<Code>AccessDenied</Code><Message>ExpiredToken</Message>")
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

    def refused(self, sink: str, bodies: Sequence[str]) -> None:
        """The function is told that these were not accepted."""
        ...


@dataclass
class Post:
    """The way to the sinks, for all instances."""

    plan: Plan
    scheduler: Scheduler
    troubles: Troubles
    sinks: Sinks
    taken: list[int] = field(default_factory=list)
    """How many of their messages the request queue takes of the next sends."""
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

    def refused(self, sink: str, count: int, chance: Chance) -> Sequence[bool]:
        """Which of the messages of a send a sink says it does not take."""
        if sink == REQUESTS and self.taken:
            taken = self.taken.pop(0)
            return [place >= taken for place in range(count)]
        if sink == RESULTS or count == 1 or not self.troubles.strike(self.plan.queue_parts, chance):
            return [False] * count
        return [chance.random() < 0.5 for _ in range(count)]

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
        post.scheduler.sleep(chance.uniform(0.001, 0.02))
        if post.troubles.has_expired(headers["security-token"]):
            post.sinks.refused(sink, bodies)
            return _DENIED
        if post.fails(sink, chance):
            accepted = 0 if post.down(sink) else chance.randint(0, len(bodies))
            self._take(sink, list(zip(bodies, details, strict=True))[:accepted])
            post.sinks.failed(sink, bodies)
            return self._fault(chance, min(READ_TIMEOUT, seconds))
        refused = post.refused(sink, len(bodies), chance)
        post.sinks.refused(sink, list(compress(bodies, refused)))
        self._take(sink, [each for each, no in zip(zip(bodies, details, strict=True), refused, strict=True) if not no])
        post.scheduler.sleep(0.001)
        return Answer(500 if any(refused) else 201, {}, b"".join(_REFUSED if no else _ACCEPTED for no in refused))

    def _take(self, sink: str, messages: Sequence[tuple[str, str]]) -> None:
        sinks = self.post_office.sinks
        for body, detail in messages:
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
