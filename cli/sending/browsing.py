"""Queues read in passing: one pass that leaves in a queue what is not taken, and a queue for outcomes that goes at the end."""

import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from cli.clients import http
from cli.clients.inbox import Inbox, event_of
from cli.clients.smq import RELEASED, Mailbox, Received
from cli.clients.target import Target
from cli.errors import UsageError
from cli.terminal.interrupts import Interrupts
from cli.terminal.moments import moment
from cli.terminal.screen import Screen

Belongs = Callable[[str], bool]
"""Whether an Id is of the run that is cancelled."""
Event = Mapping[str, Any]
"""An outcome with its envelope."""


@contextmanager
def temporary_inbox(target: Target, kind: str) -> Iterator[Inbox]:
    """Open a queue of one's own for outcomes, and remove it at the end. Raises: CloudError."""
    with closing(Mailbox(target)) as mailbox:
        inbox = Inbox(mailbox, target, f"ota-modules-{kind}-{secrets.token_hex(4)}")
        inbox.open()
        try:
            yield inbox
        finally:
            inbox.close()


def browse(
    mailbox: Mailbox, queue: str, take: Callable[[Received], bool], interrupts: Interrupts, *,
    seconds: int = 0, most: float = math.inf, enough: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Receive every message once, `most` at most, until it is `enough`; return how many messages other readers hold.

    Messages that are taken are deleted. The others are released at the end, also after an error or Ctrl-C; until then, other
    readers of the queue do not see them. `seconds` is how long a message is waited for. Raises: CloudError.
    """
    held: dict[str, Received] = {}
    taken = others = 0
    try:
        while not interrupts.asked and not enough() and taken + len(held) < most:
            found = [message for message in mailbox.receive(queue, seconds) if message.id not in held]
            if not found:
                depths = mailbox.depths(queue)
                others = max(depths.get("inactive", 0) - len(held), 0)
                # A message that came into sight since it was looked for is counted as active.
                if seconds or (depths and not others and not depths["active"]):
                    break
            # What another command has just released can be seen in a moment.
            seconds = 0 if found else 2 * RELEASED
            held.update((message.id, message) for message in found)
            for message in found:
                if take(message):
                    mailbox.delete(queue, [message.handle])
                    del held[message.id]
                    taken += 1
    finally:
        for message in held.values():
            mailbox.release(queue, message.handle)
    return others


def published(event: Event) -> float:
    """Return when an outcome was published, in unix seconds; 0 where it does not say."""
    try:
        return moment(str(event.get("time")), 0)
    except UsageError:
        return 0.0


def read_past(screen: Screen, mailbox: Mailbox, queue: str) -> list[Event]:
    """Return the events in the outcome queue of the deployment, by time; they stay there. Raises: CloudError."""
    waiting = mailbox.depths(queue).get("active")
    count = "the" if waiting is None else f"about {waiting:,}"
    screen.note(f"reading {count} earlier outcomes in {queue}, which its other readers do not see meanwhile")
    events: list[Event] = []

    def look(message: Received) -> bool:
        event = event_of(message)
        events.extend([event] if event else [])
        return False

    with Interrupts() as interrupts:
        browse(mailbox, queue, look, interrupts)
    return sorted(events, key=published)


def split(body: str, belongs: Belongs) -> tuple[list[str], str | None]:
    """Return the Ids in a message's body that belong, and what of the body stays. What cannot be read stays as it is."""
    value = http.json_value(body)
    elements = value if isinstance(value, list) else [value]
    ids = [id_ for id_ in map(_id_of, elements) if belongs(id_)]
    others = [each for each in elements if not belongs(_id_of(each))]
    if not ids:
        return [], body
    return ids, json.dumps(others, ensure_ascii=False, separators=(",", ":")) if others else None


def _id_of(request: Any) -> str:  # noqa: ANN401 - any JSON value
    name = request.get("Id") if isinstance(request, dict) else None
    return name if isinstance(name, str) else ""
