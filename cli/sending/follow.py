"""Collect outcomes until each request has one."""

from collections.abc import Callable, Mapping
from typing import Any

from cli.clients.inbox import Inbox, event_of
from cli.clients.smq import BATCH, Received
from cli.sending.ledger import Ledger
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from handler.clock import Clock


def succeeded(outcome: Mapping[str, Any]) -> bool:
    """Whether the module is now as the request says."""
    return outcome.get("Status") in ("created", "updated", "existing") and not outcome.get("Drift")


def follow(
    inbox: Inbox, ledger: Ledger, numbers: Mapping[str, int], meter: Meter, interrupts: Interrupts, timeout: float,
    clock: Clock, ahead: Callable[[], str] = str,
) -> None:  # fmt: skip
    """Collect outcomes until each request has one, Ctrl-C, or `timeout` seconds without any.

    Beside the meter stands what `ahead` says of the queue. A message is deleted only after the ledger has its outcome.
    Raises: CloudError.
    """
    heard = clock.now()
    backlog = True
    while ledger.answered < ledger.total and not interrupts.asked and clock.now() - heard < timeout:
        messages = inbox.receive()
        # What had come before anybody waited for it says nothing about how long the rest takes.
        backlog = backlog and len(messages) == BATCH
        found = _new(messages, ledger, numbers)
        ledger.outcome(found, succeeded=[number for number, outcome in found.items() if succeeded(outcome)])
        inbox.done(messages)
        heard = clock.now() if found else heard
        counts = [f"{count} {status}" for status, count in sorted(ledger.statuses.items())]
        meter.step(len(found), " · ".join(filter(None, [*counts, ahead()])), waited=not (found and backlog))


def _new(messages: list[Received], ledger: Ledger, numbers: Mapping[str, int]) -> dict[int, Mapping[str, Any]]:
    """Return the new outcomes of our requests by number; the topic carries those of others, too."""
    found: dict[int, Mapping[str, Any]] = {}
    for message in messages:
        event = event_of(message)
        number = numbers.get(str(event.get("causationid"))) if event else None
        if event and number is not None and ledger.status(number) is None:
            found[number] = event["data"]
    return found
