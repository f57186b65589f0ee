"""Collects outcomes until each request has one."""

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


class Following:
    """Collects outcomes by their requests' `numbers`. Beside the meter stands what `ahead` says of the queue.

    Each new outcome is passed to `tell`. A message is deleted only after the ledger has its outcome.
    """

    def __init__(
        self, inbox: Inbox, ledger: Ledger, numbers: Mapping[str, int], meter: Meter,
        ahead: Callable[[], str] = str, tell: Callable[[Mapping[str, Any]], None] = lambda _outcome: None,
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._ledger = ledger
        self._numbers = numbers
        self._meter = meter
        self._ahead = ahead
        self._tell = tell

    def run(self, interrupts: Interrupts, timeout: float, clock: Clock) -> None:
        """Collect until each request has its outcome, Ctrl-C, or `timeout` seconds without any. Raises: CloudError."""
        ledger = self._ledger
        heard = clock.now()
        backlog = True
        while ledger.answered < ledger.total and not interrupts.asked and clock.now() - heard < timeout:
            messages = self._inbox.receive()
            # What had come before anybody waited for it says nothing about how long the rest takes.
            backlog = backlog and len(messages) == BATCH
            found = self._new(messages)
            ledger.outcome(found, succeeded=[number for number, outcome in found.items() if succeeded(outcome)])
            self._inbox.done(messages)
            for outcome in found.values():
                self._tell(outcome)
            heard = clock.now() if found else heard
            counts = [f"{count} {status}" for status, count in sorted(ledger.statuses.items())]
            note = " · ".join(filter(None, [*counts, self._ahead()]))
            self._meter.step(len(found), note, waited=not (found and backlog))

    def _new(self, messages: list[Received]) -> dict[int, Mapping[str, Any]]:
        """Return the new outcomes of our requests by number; the topic carries those of others, too."""
        found: dict[int, Mapping[str, Any]] = {}
        for message in messages:
            event = event_of(message)
            number = self._numbers.get(str(event.get("causationid"))) if event else None
            if event and number is not None and self._ledger.status(number) is None:
                found[number] = event["data"]
        return found
