"""`ota-modules dead-letters`: list, replay or discard dead letters."""

from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from cli.clients.letters import Letter, read
from cli.clients.smq import Mailbox, Received
from cli.clients.target import Target
from cli.commands.session import Cloud, with_groups
from cli.errors import CliError, UsageError
from cli.sending.browsing import browse
from cli.terminal.interrupts import Interrupts
from cli.terminal.screen import Screen, module_of, plural
from handler.outcomes import Reason

SHOWN = 5
"""Ids shown in a question."""

app = typer.Typer(
    no_args_is_help=True, help="List, replay or discard dead letters.\n\nExample: ota-modules dead-letters replay --all"
)

KnownReason = Literal[Reason, "undelivered"]
"""Reasons of the function, and that of letters which it never finished (`cli.clients.letters.UNDELIVERED`)."""
Limit = Annotated[int, Option("--limit", min=1, help="Look at this many at most.")]


@dataclass(frozen=True)
class Filters:
    """Select dead letters."""

    reason: Annotated[KnownReason | None, Option(help="Only this reason.")] = None
    product: Annotated[str | None, Option(help="Only this product.")] = None
    most: Limit = 1000


@dataclass(frozen=True)
class Choice(Filters):
    """Selects dead letters that something is done to: they are named, or all of them are meant."""

    most: Limit = 100_000
    ids: Annotated[list[str] | None, Argument(help="Message ids, as shown by list.")] = None
    every: Annotated[bool, Option("--all", help="All messages matching the filters.")] = False

    def __post_init__(self) -> None:
        if bool(self.ids) == self.every:
            raise UsageError("specify message ids or --all")

    def check_complete(self, found: list[Letter]) -> None:
        """Raises: CliError: a letter that is named was not found."""
        if missing := {*(self.ids or ())} - {letter.record.message_id for letter in found}:
            raise CliError(f"{len(missing)} not found: {', '.join(sorted(missing))}")


@app.command("list")
@with_groups
def list_(session: Cloud, filters: Filters) -> None:
    """List requests that were given up, with their reasons.

    Example: ota-modules dead-letters list
    """
    found, hidden = _select(session.target(), filters)
    records = [letter.record for letter in found]
    rows = [
        (each.message_id, each.reason, ", ".join(map(module_of, each.requests[:3])), each.detail) for each in records
    ]
    if rows:
        session.screen.table(("Message", "Reason", "Modules", "Detail"), rows)
    _report(session.screen, filters, found, "", hidden)


@app.command()
@with_groups
def replay(session: Cloud, choice: Choice) -> None:
    """Send dead letters again, with attempts counted from 1.

    Example: ota-modules dead-letters replay --all
    """
    target = session.target(sends=True)
    done, hidden = _select(target, choice, delete=True, queue=target.names.request_queue)
    _report(session.screen, choice, done, " sent again", hidden)


@app.command()
@with_groups
def discard(
    session: Cloud, choice: Choice, yes: Annotated[bool, Option("--yes", help="Do not ask for confirmation.")] = False
) -> None:
    """Delete dead letters for good.

    Example: ota-modules dead-letters discard --reason quota --all
    """
    target = session.target()
    if not yes:
        found, _ = _select(target, choice)
        choice.check_complete(found)
        if not found:
            raise CliError("no matching dead letters")
        shown = ", ".join(letter.record.message_id for letter in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
        if not typer.confirm(f"Delete {plural(len(found), 'dead letter')} for good ({shown})?", err=True):
            raise CliError("nothing was deleted")
    done, hidden = _select(target, choice, delete=True)
    _report(session.screen, choice, done, " deleted", hidden)


def _select(target: Target, filters: Filters, *, delete: bool = False, queue: str = "") -> tuple[list[Letter], int]:
    """Return the selected letters, and how many others read; send each to the `queue` that is named, and `delete` it.

    Ctrl-C lets the current letter finish. One that is sent and not yet deleted is in both queues; its Id makes its outcomes one.
    """
    names = set(filters.ids or ()) if isinstance(filters, Choice) else set()
    found: list[Letter] = []

    def take(message: Received) -> bool:
        letter = read(message)
        products = (request.get("ProductKey") for request in letter.record.requests)
        fits = filters.reason in (None, letter.record.reason) and filters.product in (None, *products)
        if not fits or (names and letter.record.message_id not in names):
            return False
        if queue:
            mailbox.send(queue, letter.bodies)
        found.append(letter)
        return delete

    def enough() -> bool:
        return bool(names) and len(found) == len(names)

    with closing(Mailbox(target)) as mailbox, Interrupts() as interrupts:
        hidden = browse(mailbox, target.names.dead_letter_queue, take, interrupts, most=filters.most, enough=enough)
    return found, hidden


def _report(screen: Screen, filters: Filters, letters: list[Letter], what: str, hidden: int) -> None:
    """Show what was done. Raises: CliError: a named letter is missing, or another consumer holds some of the letters."""
    for letter in letters:
        screen.record(letter.record)
    screen.summary(f"{plural(len(letters), 'dead letter')}{what}")
    if isinstance(filters, Choice):
        filters.check_complete(letters)
    if hidden:
        raise CliError(f"{plural(hidden, 'dead letter')} more are held by another consumer; try again in a minute")
