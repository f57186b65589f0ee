"""Dead letters: what was given up, by whom, and how it is sent again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli import records
from cli.clients import http
from cli.clients.smq import BATCH, RELEASED, Mailbox, Received
from cli.clients.target import Target
from handler.errors import EnvelopeError
from handler.messages import replay
from handler.triggers import Delivery, deliveries

UNDELIVERED = "undelivered"
"""The reason of letters that carry none: EventBridge or SMQ gave them up before the function finished them."""


@dataclass(frozen=True)
class Letter:
    """A dead letter, and the bodies of the messages that send it again."""

    id: str
    handle: str
    reason: str
    detail: str
    bodies: tuple[str, ...]
    requests: tuple[Mapping[str, Any], ...]
    """The requests in it, as far as they can be read."""

    @property
    def products(self) -> frozenset[str]:
        return frozenset(str(request.get("ProductKey")) for request in self.requests)

    def record(self) -> records.DeadLetter:
        return {"MessageId": self.id, "Reason": self.reason, "Detail": self.detail, "Requests": list(self.requests)}


class Pile:
    """The dead-letter queue. A letter looked at is nobody else's until it is released, deleted, or its time is over."""

    def __init__(self, target: Target) -> None:
        self._queue = target.names.dead_letter_queue
        self._requests = target.names.request_queue
        self._mailbox = Mailbox(target)
        self._held = 0
        self.hidden = 0
        """Dead letters that another consumer has received and not yet released."""

    def close(self) -> None:
        self._mailbox.close()

    def each(self, most: int) -> Iterator[Letter]:
        """Every letter once, `most` at most. Raises: CloudError."""
        seen: set[str] = set()
        seconds = 0
        while len(seen) < most:
            messages = [
                message for message in self._mailbox.receive(self._queue, BATCH, seconds) if message.id not in seen
            ]
            if not messages:
                depths = self._mailbox.depths(self._queue)
                self.hidden = max(depths.get("inactive", 0) - self._held, 0)
                # A letter that came into sight since it was looked for is counted as active.
                if seconds or (depths and not self.hidden and not depths["active"]):
                    return
            # What another command has just let go can be seen in a moment.
            seconds = 0 if messages else 2 * RELEASED
            self._held += len(messages)
            for message in messages:
                seen.add(message.id)
                yield read(message)

    def replay(self, letter: Letter) -> None:
        """Sent first, deleted after: interrupted between, it is in both queues, and its Id makes its outcomes one."""
        for start in range(0, len(letter.bodies), BATCH):
            self._mailbox.send(self._requests, letter.bodies[start : start + BATCH])
        self.discard(letter)

    def discard(self, letter: Letter) -> None:
        self._mailbox.delete(self._queue, [letter.handle])
        self._held -= 1

    def release(self, letter: Letter) -> None:
        self._mailbox.release(self._queue, letter.handle)
        self._held -= 1


def read(message: Received) -> Letter:
    """A letter of the function (with a reason), an event that EventBridge gave up, or a message that SMQ gave up."""
    value = http.json_value(message.body)
    if isinstance(value, dict) and isinstance(value.get("Request"), dict) and "Reason" in value:
        request = replay(value["Request"])
        detail = str(value.get("Detail") or "")
        return Letter(message.id, message.handle, str(value["Reason"]), detail, (_text(request),), (request,))
    bodies = _bodies(message.body)
    values = [http.json_value(body) for body in bodies]
    elements = [each for value in values for each in (value if isinstance(value, list) else [value])]
    requests = tuple(each for each in elements if isinstance(each, dict))
    return Letter(message.id, message.handle, UNDELIVERED, "given up before it was finished", bodies, requests)


def _bodies(event: str) -> tuple[str, ...]:
    try:
        found = deliveries(event.encode())
    except EnvelopeError:
        return (event,)
    if not any(request.ProductKey for delivery in found for request in delivery.open().requests):
        return (event,)
    return tuple(_again(delivery) for delivery in found)


def _again(delivery: Delivery) -> str:
    """Return a body with attempts counted from 1; one that cannot be read stays as it is.

    A request without an Id has its message's (see `handler.messages.read`). What sends it again is another message: the Id
    is written down. Of a bare message nobody knows which one it was.
    """
    body, known = delivery.body, delivery.is_named
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    value = http.json_value(text) if isinstance(text, str) else text
    if isinstance(value, dict):
        return _text(_named(value, delivery.id if known else None))
    if isinstance(value, list):
        names = (f"{delivery.id}/{number}" if known else None for number in range(1, len(value) + 1))
        return _text([_named(one, name) for one, name in zip(value, names, strict=True)])
    return text if isinstance(text, str) else _text(text)


def _named(request: object, default: str | None) -> object:
    if not isinstance(request, dict) or "ProductKey" not in request:
        return request
    return replay(request) if default is None or request.get("Id") is not None else {**replay(request), "Id": default}


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
