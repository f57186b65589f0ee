"""`ota-modules outcomes`: the outcomes that the result topic carries."""

import re
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from itertools import chain, islice
from math import inf
from typing import Annotated, cast, get_args

from typer import Option

from cli import records
from cli.clients.inbox import Inbox, event_of
from cli.clients.smq import Mailbox, Received
from cli.commands.session import Cloud
from cli.errors import UsageError
from cli.sending.browsing import Event, published, read_past, temporary_inbox
from cli.terminal.interrupts import Interrupts
from cli.terminal.moments import duration_option, local_time, moment
from cli.terminal.screen import outcome_line
from handler.clock import Clock
from handler.outcomes import Status


def outcomes(
    session: Cloud,
    status: Annotated[list[str], Option(help="Only this status; repeatable.")] = [],  # noqa: B006
    product: Annotated[list[str], Option(help="Only this product; repeatable.")] = [],  # noqa: B006
    correlation: Annotated[str | None, Option(help="Only this CorrelationId.")] = None,
    since: Annotated[str | None, Option(help="Include earlier ones: 10m, or a local time 2026-01-31T08:00.")] = None,
    keep: Annotated[str | None, Option(help="Keep the subscription under this name until next time.")] = None,
    forget: Annotated[str | None, Option(help="Delete the subscription kept under this name, then exit.")] = None,
    count: Annotated[int | None, Option(min=1, help="Exit after this many outcomes.")] = None,
    seconds: Annotated[float | None, duration_option("--for", help="Exit after this long.")] = None,
) -> None:
    """Stream outcomes until Ctrl-C, through a temporary subscription.

    Example: ota-modules outcomes --status rejected --status failed --json
    """
    if unknown := sorted({*status} - {*get_args(Status)}):
        raise UsageError(f"--status {unknown[0]} is not one of {', '.join(get_args(Status))}")
    if not re.fullmatch("[A-Za-z0-9-]*", f"{keep or ''}{forget or ''}"):
        raise UsageError("--keep and --forget take letters, digits and -")
    clock = Clock()
    screen, target = session.screen, session.target()
    earliest = moment(since, clock.wall()) if since else 0.0

    def wants(event: Event) -> bool:
        outcome = event["data"]
        return (
            (not status or outcome.get("Status") in status)
            and (not product or outcome.get("ProductKey") in product)
            and correlation in (None, outcome.get("CorrelationId"))
            and (not earliest or published(event) >= earliest)
        )

    until = clock.now() + seconds if seconds is not None else inf
    with closing(Mailbox(target)) as mailbox, ExitStack() as stack:
        kept = Inbox(mailbox, target, f"ota-modules-kept-{keep or forget}")
        if forget:
            kept.close()
            screen.summary(f"deleted the subscription {forget}")
            return
        if keep:
            kept.open()
        inbox = kept if keep else stack.enter_context(temporary_inbox(target, "cli"))
        past = read_past(screen, mailbox, target.names.outcome_queue) if since and not keep else []
        screen.note(f"following {target.names.result_topic} through queue {inbox.name}; Ctrl-C to stop")
        seen = {event.get("id") for event in past}
        interrupts = stack.enter_context(Interrupts())
        events = stack.enter_context(closing(_follow(inbox, lambda: not interrupts.asked and clock.now() < until)))
        new = (event for event in events if event.get("id") not in seen)
        for event in islice(filter(wants, chain(past, new)), count):
            screen.record(cast("records.Event", event))
            screen.line(outcome_line(event["data"], local_time(str(event.get("time", "")))))


def _follow(inbox: Inbox, goes_on: Callable[[], bool]) -> Generator[Event, None, None]:
    """Yield the outcomes that come; those that were yielded are deleted. Raises: CloudError."""
    while goes_on():
        done: list[Received] = []
        try:
            for message in inbox.receive(1):
                done.append(message)
                if event := event_of(message):
                    yield event
        finally:
            inbox.done(done)
