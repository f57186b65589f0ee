"""`ota-modules outcomes`: what the result topic says."""

import secrets
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args

import typer

from cli import records
from cli.clients.inbox import Inbox, event_of
from cli.clients.smq import Mailbox, Received
from cli.commands.session import Cloud
from cli.errors import UsageError
from cli.terminal.interrupts import Interrupts
from cli.terminal.moments import DURATION, duration, local_time, moment
from cli.terminal.screen import Screen, outcome_line
from handler.clock import Clock
from handler.outcomes import Status

STATUSES = get_args(Status)


@dataclass(frozen=True)
class Filter:
    """Which outcomes are wanted; an empty part wants all."""

    statuses: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    correlation: str | None = None
    since: float = 0.0

    def wants(self, event: Mapping[str, Any]) -> bool:
        outcome = event["data"]
        return (
            (not self.statuses or outcome.get("Status") in self.statuses)
            and (not self.products or outcome.get("ProductKey") in self.products)
            and self.correlation in (None, outcome.get("CorrelationId"))
            and (not self.since or _published(event) >= self.since)
        )


def _published(event: Mapping[str, Any]) -> float:
    try:
        return moment(str(event.get("time")), 0)
    except UsageError:
        return 0.0


def outcomes(
    session: Cloud,
    status: Annotated[list[str], typer.Option(help="Only this status; repeatable.")] = [],  # noqa: B006
    product: Annotated[list[str], typer.Option(help="Only this product; repeatable.")] = [],  # noqa: B006
    correlation: Annotated[str | None, typer.Option(help="Only this CorrelationId.")] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Include earlier outcomes still retained, e.g. 10m or 2026-01-31T08:00+08:00."),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(help="Keep the subscription under this name, so that nothing is missed until next time."),
    ] = None,
    forget: Annotated[str | None, typer.Option(help="Delete the subscription kept under this name, then exit.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Exit after this many outcomes.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", parser=duration, metavar=DURATION, help="Exit after this long.")
    ] = None,
) -> None:
    """Stream outcomes until Ctrl-C, through a temporary subscription.

    Example: ota-modules outcomes --status rejected --status failed --json
    """
    if unknown := set(status) - set(STATUSES):
        raise UsageError(f"--status {sorted(unknown)[0]} is not one of {', '.join(STATUSES)}")
    clock = Clock()
    screen, target = session.screen, session.target()
    if forget:
        with closing(Mailbox(target)) as mailbox:
            Inbox(mailbox, target, _kept(forget)).close()
        screen.summary(f"deleted the subscription {forget}")
        return
    wanted = Filter(frozenset(status), frozenset(product), correlation, moment(since, clock.wall()) if since else 0.0)
    name = _kept(keep) if keep else f"ota-modules-cli-{secrets.token_hex(4)}"
    until = clock.now() + seconds if seconds is not None else None
    with closing(Mailbox(target)) as mailbox:
        inbox = Inbox(mailbox, target, name)
        inbox.open()
        try:
            following = _Following(screen, wanted, count)
            if since and not keep:
                following.tell(past(mailbox, target.names.outcome_queue))
            screen.note(f"following {target.names.result_topic} through queue {name}; Ctrl-C to stop")
            following.run(inbox, until, clock)
        finally:
            if not keep:
                inbox.close()


def _kept(keep: str) -> str:
    if not keep.isascii() or not keep.replace("-", "").isalnum():
        raise UsageError("--keep and --forget take letters, digits and -")
    return f"ota-modules-kept-{keep}"


def past(mailbox: Mailbox, queue: str) -> list[dict[str, Any]]:
    """The events in the queue that the deployment keeps for whoever wants to read outcomes, by time; they stay there.

    For as long as it takes, other readers of that queue do not see them. Raises: CloudError.
    """
    seen: dict[str, Received] = {}
    with Interrupts() as interrupts:
        while not interrupts.asked:
            found = [message for message in mailbox.receive(queue) if message.id not in seen]
            if not found:
                break
            seen.update((message.id, message) for message in found)
        for message in seen.values():
            mailbox.release(queue, message.handle)
    return sorted(filter(None, map(event_of, seen.values())), key=_published)


class _Following:
    """What is shown; an outcome that was told as one of the past is not shown again when it comes."""

    def __init__(self, screen: Screen, wanted: Filter, count: int | None) -> None:
        self._screen = screen
        self._wanted = wanted
        self._left = count
        self._told: set[str] = set()

    def tell(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Show those of the past that are wanted."""
        for event in events:
            self._told.add(str(event.get("id")))
            self._show(event)

    def run(self, inbox: Inbox, until: float | None, clock: Clock) -> None:
        """Show what comes. Raises: CloudError."""
        with Interrupts() as interrupts:
            while self._left != 0 and not interrupts.asked and (until is None or clock.now() < until):
                messages = inbox.receive(1)
                for number, message in enumerate(messages):
                    event = event_of(message)
                    if event and event.get("id") not in self._told:
                        self._show(event)
                    if self._left == 0:
                        inbox.done(messages[: number + 1])
                        return
                inbox.done(messages)

    def _show(self, event: Mapping[str, Any]) -> None:
        if self._left != 0 and self._wanted.wants(event):
            self._screen.record(cast("records.Event", event))
            self._screen.line(outcome_line(event["data"], local_time(str(event.get("time", "")))))
            self._left = self._left - 1 if self._left is not None else None
