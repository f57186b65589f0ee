"""What takes the function's messages, and a way there that loses, doubles and delays them."""

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from random import Random
from typing import Any

from handler.errors import Unanswered
from handler.http1 import Answer
from tests.simulation.messages import Message, read
from tests.simulation.plan import Plan
from tests.simulation.queues import Queue
from tests.simulation.records import History, Records
from tests.simulation.settlement import Settlement
from tests.simulation.troubles import Chance, Troubles
from tests.simulation.truth import Truth
from tests.support.scheduler import Scheduler

READ_TIMEOUT = 10.0
LATEST_REPLAY = 300.0
"""Seconds after which an operator sends a dead letter again at the latest."""
REQUESTS, DEAD, RESULTS = "requests", "dead", "results"
_ACCEPTED = b"<Message><MessageId>1</MessageId></Message>"
_REFUSED = b"<Message><ErrorCode>InternalError</ErrorCode></Message>"
_DENIED = Answer(403, {}, b"<Code>AccessDenied</Code><Message>ExpiredToken</Message>")
_MESSAGE = re.compile("<MessageBody>(.*?)</MessageBody><(?:MessageTag|DelaySeconds)>(.*?)</")

Bodies = Sequence[tuple[str, str]]
"""Bodies, each with its tag or its delay."""


@dataclass
class Post:
    """The way to SMQ for all instances: every send takes time and may fail before or after its effect."""

    plan: Plan
    scheduler: Scheduler
    troubles: Troubles
    records: Records
    settlement: Settlement
    truth: Truth
    queue: Queue
    random: Random
    taken: list[int] = field(default_factory=list)
    """How many of their messages the request queue takes of the next sends."""
    _published: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance = Chance(self.plan.seed, "queues")

    def post(self, target: str, seconds: float, body: bytes, headers: Mapping[str, str]) -> Answer:
        sink = target.split("/")[2]
        messages = [(base64.b64decode(text).decode(), detail) for text, detail in _MESSAGE.findall(body.decode())]
        chance = self._chance_of(sink, messages[0][0])
        self.scheduler.sleep(chance.uniform(0.001, 0.02))
        if self.troubles.has_expired(headers["security-token"]):
            self._refuse(sink, messages)
            return _DENIED
        outages, rate = self.troubles.queue_outages, self.plan.queue_faults
        if sink == RESULTS:
            outages, rate = self.troubles.topic_outages, self.plan.topic_faults
        if (is_down := self.troubles.during(outages)) or self.troubles.strike(rate, chance):
            self._take(sink, messages[: 0 if is_down else chance.randint(0, len(messages))])
            self._lose(sink, messages)
            return self._fail(chance, min(READ_TIMEOUT, seconds))
        refused = self._refused(sink, len(messages), chance)
        self._refuse(sink, list(compress(messages, refused)))
        self._take(sink, list(compress(messages, [not no for no in refused])))
        self.scheduler.sleep(0.001)
        return Answer(500 if any(refused) else 201, {}, b"".join(_REFUSED if no else _ACCEPTED for no in refused))

    def _chance_of(self, sink: str, body: str) -> Chance:
        """What decides about a send: of outcomes, whose it is and how often it was published before."""
        if sink != RESULTS:
            return self._chance
        number = self.records.find_request(body)
        self._published[number] += 1
        return Chance(self.plan.seed, sink, number, self._published[number])

    def _refused(self, sink: str, count: int, chance: Chance) -> Sequence[bool]:
        """Which of the messages of a send a sink says it does not take."""
        if sink == REQUESTS and self.taken:
            taken = self.taken.pop(0)
            return [place >= taken for place in range(count)]
        if sink == RESULTS or count == 1 or not self.troubles.strike(self.plan.queue_parts, chance):
            return [False] * count
        return [chance.random() < 0.5 for _ in range(count)]

    def _take(self, sink: str, messages: Bodies) -> None:
        for body, detail in messages:
            if sink == RESULTS:
                self.truth.publish(body, detail)
            elif sink == REQUESTS:
                self.queue.send(self.settlement.put_back(f"b{len(self.records.trace)}", body), int(detail))
            else:
                self._bury(body)

    def _bury(self, body: str) -> None:
        """The dead-letter queue takes a request; an operator may send it again."""
        history = self.settlement.give_up(body)
        if self.random.random() < self.plan.replays and len(history.letters) < 3:
            later = self.random.uniform(1, LATEST_REPLAY)
            self.queue.expect(self.scheduler.time + later, partial(self._replay, history, json.loads(body)["Request"]))

    def _replay(self, history: History, request: dict[str, Any]) -> Message:
        again = {name: value for name, value in request.items() if name not in ("Attempt", "Since")}
        history.repeated |= self.queue.holds(history.asked.number)
        body = json.dumps(again | {"Replay": again.get("Replay", 0) + 1})
        return Message.of(f"replay{len(self.records.trace)}", body)

    def _lose(self, sink: str, messages: Bodies) -> None:
        """The function does not hear that a sink took something."""
        invocation = self.records.invocation
        if sink != REQUESTS:
            invocation.unpublished.update(self.records.find_request(body) for body, _ in messages)
            return
        invocation.queue_failed = True
        for entry in (entry for body, _ in messages for entry in read(body)):
            self.records.asked[entry.number].repeated = True

    def _refuse(self, sink: str, messages: Bodies) -> None:
        """The function hears that a sink does not take something."""
        if sink != REQUESTS:
            self._lose(sink, messages)
        elif messages:
            self.records.invocation.queue_refused = True

    def _fail(self, chance: Chance, timeout: float) -> Answer:
        """Raises: Unanswered."""
        kind = chance.choice(("silence", "reset", "busy", "denied", "unreadable"))
        if kind == "silence":
            self.scheduler.sleep(timeout)
        if kind in ("silence", "reset"):
            raise Unanswered("NoAnswer", kind)
        code = {"busy": b"<Code>InternalError</Code>", "denied": b"<Code>AccessDenied</Code>"}.get(kind, b"garbage")
        return Answer(500, {}, code)
