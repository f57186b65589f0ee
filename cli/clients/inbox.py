"""A queue of one's own for outcomes."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from cli.clients.smq import Mailbox, Received
from cli.clients.target import Target
from cli.errors import CloudError

POLL = 2
"""Seconds of one long poll; also how soon Ctrl-C is noticed."""


def event_of(message: Received) -> dict[str, Any] | None:
    """The outcome's event in a message; None for anything else that somebody put into the queue."""
    try:
        event = json.loads(message.body)
    except (ValueError, RecursionError):
        return None
    data = event.get("data") if isinstance(event, dict) else None
    return event if isinstance(data, dict) and isinstance(data.get("Status"), str) else None


class Inbox:
    """A queue of one's own that is subscribed to the result topic, and what is in it."""

    def __init__(self, mailbox: Mailbox, target: Target, name: str) -> None:
        self.name = name
        self._mailbox = mailbox
        self._topic = target.names.result_topic

    def open(self) -> None:
        """From here on every outcome comes to this queue too; it may be open already. Raises: CloudError."""
        self._mailbox.create_queue(self.name)
        self._mailbox.subscribe(self._topic, self.name)

    def close(self) -> None:
        """Remove subscription and queue, and with it what nobody has read. Raises: CloudError."""
        self._unless_gone(partial(self._mailbox.unsubscribe, self._topic, self.name))
        self._unless_gone(partial(self._mailbox.delete_queue, self.name))

    @staticmethod
    def _unless_gone(remove: Callable[[], None]) -> None:
        try:
            remove()
        except CloudError as error:
            if not error.code.endswith("NotExist"):
                raise

    def receive(self, seconds: int = POLL) -> list[Received]:
        """Raises: CloudError."""
        return self._mailbox.receive(self.name, seconds=seconds)

    def events(self) -> Iterator[dict[str, Any]]:
        """Wait a moment for outcomes, and delete them once the caller has taken all. Raises: CloudError."""
        messages = self.receive()
        yield from filter(None, map(event_of, messages))
        self.done(messages)

    def done(self, messages: list[Received]) -> None:
        """Raises: CloudError."""
        if messages:
            self._mailbox.delete(self.name, [message.handle for message in messages])
