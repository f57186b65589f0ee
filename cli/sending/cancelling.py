"""Takes the requests of a run out of the request queue, also out of arrays that the function put back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cli.clients.smq import BATCH, Mailbox, Received
from cli.errors import CloudError
from cli.terminal.interrupts import Interrupts

Belongs = Callable[[str], bool]
"""Whether an Id is of the run that is cancelled."""


@dataclass(frozen=True)
class Split:
    """A message's requests: Ids that are cancelled, and what of the body stays; None where nothing does."""

    cancelled: tuple[str, ...]
    rest: str | None


def split(body: str, belongs: Belongs) -> Split:
    """Divide a message's body. What cannot be read stays as it is."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Split((), body)
    elements = value if isinstance(value, list) else [value]
    ours = [each for each in elements if belongs(_id_of(each))]
    if not ours:
        return Split((), body)
    others = [each for each in elements if not belongs(_id_of(each))]
    rest = json.dumps(others, ensure_ascii=False, separators=(",", ":")) if others else None
    return Split(tuple(map(_id_of, ours)), rest)


def _id_of(request: Any) -> str:  # noqa: ANN401 - any JSON value
    name = request.get("Id") if isinstance(request, dict) else None
    return name if isinstance(name, str) else ""


@dataclass
class Sweep:
    """One pass through the queue: every message is received once, and all that stay are released at its end."""

    mailbox: Mailbox
    queue: str
    belongs: Belongs

    def run(self, interrupts: Interrupts) -> list[str]:
        """Return the Ids that were taken out. What is interrupted has taken out what it returns. Raises: CloudError."""
        cancelled: list[str] = []
        held: dict[str, Received] = {}
        try:
            while not interrupts.asked and (found := self._receive(held)):
                held.update((message.id, message) for message in found)
                for message in found:
                    taken = self._take(message)
                    if taken:
                        del held[message.id]
                        cancelled += taken
        finally:
            for message in held.values():
                self.mailbox.release(self.queue, message.handle)
        return cancelled

    def _receive(self, held: dict[str, Received]) -> Sequence[Received]:
        return [message for message in self.mailbox.receive(self.queue, BATCH, 1) if message.id not in held]

    def _take(self, message: Received) -> tuple[str, ...]:
        """Take the run's requests out of a message.

        What stays of an array is sent before the message is deleted: interrupted between, it is there twice, under the same Ids,
        so each request has one outcome.
        """
        parts = split(message.body, self.belongs)
        if not parts.cancelled:
            return ()
        if parts.rest is not None:
            self.mailbox.send(self.queue, [parts.rest])
        self.mailbox.delete(self.queue, [message.handle])
        return parts.cancelled


class Hold:
    """While entered, the streams of the request queue are paused; those that were so before stay so."""

    def __init__(self, pause: Callable[[], list[str]], resume: Callable[[str], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._paused: list[str] = []

    def __enter__(self) -> "Hold":
        self._paused = self._pause()
        return self

    def __exit__(self, *_: object) -> None:
        failed: CloudError | None = None
        for name in self._paused:
            try:
                self._resume(name)
            except CloudError as error:
                failed = error
        if failed:
            raise failed
