"""`ota-modules outcomes`: what the result topic says."""

import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.following import Inbox, event_of
from cli.interrupts import Interrupts
from cli.moments import moment
from cli.options import AsJson, Local, chosen
from cli.problems import UsageError
from cli.screen import STYLES, Screen, outcome_line
from cli.smq import Mailbox
from handler.clock import Clock

STATUSES = tuple(STYLES)[:5]


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
    status: Annotated[list[str], typer.Option(help="Only these statuses; may be given more than once.")] = [],  # noqa: B006
    product: Annotated[list[str], typer.Option(help="Only these products; may be given more than once.")] = [],  # noqa: B006
    correlation: Annotated[str | None, typer.Option(help="Only this CorrelationId.")] = None,
    since: Annotated[
        str | None, typer.Option(help="With --keep: only from then on: 10m (ago), or an ISO time.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Keep the subscription under this name: nothing is missed between.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after so many seconds.")] = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Follow the result topic, through a subscription of one's own, until Ctrl-C.

    Example: ota-modules outcomes --status rejected --status failed --json
    """
    if since and not keep:
        raise UsageError("--since needs --keep: a new subscription sees only what comes from now on")
    if unknown := set(status) - set(STATUSES):
        raise UsageError(f"--status {sorted(unknown)[0]} is none of {', '.join(STATUSES)}")
    clock = Clock()
    screen = Screen(as_json=as_json)
    target = chosen(screen, local=local)
    wanted = Filter(frozenset(status), frozenset(product), correlation, moment(since, clock.wall()) if since else 0.0)
    name = f"ota-modules-{_name(keep) if keep else 'cli-' + secrets.token_hex(4)}"
    with closing(Mailbox(target)) as mailbox:
        inbox = Inbox(mailbox, target, name)
        inbox.open()
        screen.note(f"following {target.names.result_topic} through queue {name}; Ctrl-C ends")
        try:
            _follow(screen, inbox, wanted, count, clock.now() + seconds if seconds is not None else None, clock)
        finally:
            if not keep:
                inbox.close()


def _name(keep: str) -> str:
    if not keep.isascii() or not keep.replace("-", "").isalnum():
        raise UsageError("--keep takes letters, digits and -")
    return f"kept-{keep}"


def _follow(screen: Screen, inbox: Inbox, wanted: Filter, count: int | None, until: float | None, clock: Clock) -> None:
    shown = 0
    with Interrupts() as interrupts:
        while not interrupts.asked and (until is None or clock.now() < until):
            messages = inbox.receive(1)
            for number, message in enumerate(messages):
                event = event_of(message)
                if event and wanted.wants(event):
                    screen.record(event)
                    screen.line(outcome_line(event["data"], str(event.get("time", ""))))
                    shown += 1
                if shown == count:
                    inbox.done(messages[: number + 1])
                    return
            inbox.done(messages)
