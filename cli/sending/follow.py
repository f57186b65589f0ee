"""Outcomes out of a queue of one's own, until each has come."""

from collections.abc import Mapping
from typing import Any

from cli.clients.inbox import Inbox, event_of
from cli.clients.smq import Received
from cli.sending.ledger import Ledger
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from handler.clock import Clock


def as_wished(outcome: Mapping[str, Any]) -> bool:
    """Whether the module is now as the request wants it."""
    return outcome.get("Status") in ("created", "updated", "existing") and not outcome.get("Drift")


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
