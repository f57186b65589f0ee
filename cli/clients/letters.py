"""Dead letters: what was given up, by whom, and how it is sent again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli import records
from cli.clients import http
from cli.clients.smq import BATCH, RELEASED, Mailbox, Received
from cli.clients.target import Target
from handler.envelopes import Place
from handler.messages import read_body, replay
from handler.texts import Flaw

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
    """The dead-letter queue. Nobody else sees a letter that was read until it is released or its visibility timeout is over."""

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
        """Yield every letter once, `most` at most. Raises: CloudError."""
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
    """Read a letter of the function (with a reason), an event that EventBridge gave up, or a message that SMQ gave up.

    Its requests are those that the function would find in it, with the Ids that they have by their messages, and attempts
    counted from 1. Each is sent again in a message of its own; a letter that cannot be read, as it is.
    """
    parts = read_body(message.body, Place(message.id, is_named=False, source="smq")).parts
    values = [
        replay(part.value) if isinstance(part.value, dict) and not part.place.replays else part.value for part in parts
    ]
    requests = tuple(value for value in values if isinstance(value, dict))
    readable = any("ProductKey" in request for request in requests) and not any(
        isinstance(value, Flaw) for value in values
    )
    bodies = tuple(json.dumps(value, ensure_ascii=False) for value in values) if readable else (message.body,)
    letter = http.json_value(message.body)
    if not isinstance(letter, dict) or not {"Request", "Reason"} <= letter.keys():
        letter = {"Reason": UNDELIVERED, "Detail": "given up before it was finished"}
    return Letter(message.id, message.handle, str(letter["Reason"]), str(letter.get("Detail") or ""), bodies, requests)
