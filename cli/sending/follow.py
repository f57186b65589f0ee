"""Outcomes out of a queue of one's own, until each has come."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cli.clients.smq import Mailbox, Received
from cli.clients.target import Target
from cli.errors import CloudError
from cli.sending.ledger import Ledger
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from handler.clock import Clock

POLL = 2
"""Seconds of one long poll; also how soon Ctrl-C is noticed."""


def as_wished(outcome: Mapping[str, Any]) -> bool:
    """Whether the module is now as the request wants it."""
    return outcome.get("Status") in ("created", "updated", "existing") and not outcome.get("Drift")


def event_of(message: Received) -> dict[str, Any] | None:
    """The outcome's event in a message; None for anything else that somebody put into the queue."""
    try:
        event = json.loads(message.body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("data"), dict) else None


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

    def done(self, messages: list[Received]) -> None:
        """Raises: CloudError."""
        if messages:
            self._mailbox.delete(self.name, [message.handle for message in messages])


def follow(
    inbox: Inbox, ledger: Ledger, numbers: Mapping[str, int], meter: Meter, interrupts: Interrupts, patience: float,
    clock: Clock,
) -> None:  # fmt: skip
    """Collect outcomes until each request has one, Ctrl-C, or `patience` seconds without any.

    A message is deleted only after the ledger has its outcome. Raises: CloudError.
    """
    heard = clock.now()
    while ledger.answered < ledger.total and not interrupts.asked and clock.now() - heard < patience:
        messages = inbox.receive()
        found = _new(messages, ledger, numbers)
        ledger.outcome(found, as_wished=[number for number, outcome in found.items() if as_wished(outcome)])
        inbox.done(messages)
        if found:
            heard = clock.now()
            meter.step(len(found), " · ".join(f"{count} {status}" for status, count in sorted(ledger.statuses.items())))


def _new(messages: list[Received], ledger: Ledger, numbers: Mapping[str, int]) -> dict[int, Mapping[str, Any]]:
    """Outcomes of our requests that are not known yet, by number; the topic carries those of others too."""
    found: dict[int, Mapping[str, Any]] = {}
    for message in messages:
        event = event_of(message)
        number = numbers.get(str(event.get("causationid"))) if event else None
        if event and number is not None and ledger.status(number) is None:
            found[number] = event["data"]
    return found
