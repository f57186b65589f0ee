"""Temporary queues for outcomes, and those that killed commands left behind."""

from collections.abc import Iterator
from typing import Any

from cli.clients import http
from cli.clients.smq import Mailbox, Received
from cli.clients.target import Target
from cli.records import Leftover

POLL = 2
"""Seconds of one long poll; also how soon Ctrl-C is noticed."""
TEMPORARY = {
    "ota-modules-cli-": "outcomes that nobody follows any more",
    "ota-modules-send-": "a send --wait that was not resumed",
    "ota-modules-tour-": "a run that was killed",
}
"""How temporary queues begin, with what made them. A subscription has the name of its queue."""


def event_of(message: Received) -> dict[str, Any] | None:
    """Return the event of an outcome; None for any other message that somebody put into the queue."""
    event = http.json_value(message.body)
    data = event.get("data") if isinstance(event, dict) else None
    return event if isinstance(data, dict) and isinstance(data.get("Status"), str) else None


class Inbox:
    """A queue that is subscribed to the result topic. Every call raises CloudError where it fails."""

    def __init__(self, mailbox: Mailbox, target: Target, name: str) -> None:
        self.name = name
        self._mailbox = mailbox
        self._topic = target.names.result_topic

    def open(self) -> None:
        """Create and subscribe the queue, unless it is there: every later outcome comes to it, too."""
        self._mailbox.create_queue(self.name)
        self._mailbox.subscribe(self._topic, self.name)

    def close(self) -> None:
        """Remove subscription and queue, and with it what nobody has read; what is gone already is no fault."""
        self._mailbox.unsubscribe(self._topic, self.name)
        self._mailbox.delete_queue(self.name)

    def receive(self, seconds: int = POLL) -> list[Received]:
        """Wait a moment for messages."""
        return self._mailbox.receive(self.name, seconds=seconds)

    def events(self) -> Iterator[dict[str, Any]]:
        """Wait a moment for outcomes, and delete them once the caller has taken all."""
        messages = self.receive()
        yield from filter(None, map(event_of, messages))
        self.done(messages)

    def done(self, messages: list[Received]) -> None:
        if messages:
            self._mailbox.delete(self.name, [message.handle for message in messages])


def find_leftovers(mailbox: Mailbox, topic: str, now: float) -> list[Leftover]:
    """Return temporary queues and subscriptions, the oldest first; `now` in unix seconds. Raises: CloudError."""
    found: list[Leftover] = []
    for prefix, what in TEMPORARY.items():
        created = {name: mailbox.subscription_created(topic, name) for name in mailbox.subscriptions(topic, prefix)}
        created.update((name, mailbox.queue_created(name)) for name in mailbox.queues(prefix))
        # What another command removed meanwhile has no moment.
        found += [Leftover(name, round(now - moment), what) for name, moment in created.items() if moment is not None]
    return sorted(found, key=lambda each: -each.age)
