"""`ota-modules dead-letters`: list, replay or discard dead letters."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

import typer
from typer import Argument, Option

from cli.clients.letters import Letter, Pile
from cli.clients.target import Target
from cli.commands.session import Cloud, with_groups
from cli.errors import CliError, UsageError
from cli.terminal.interrupts import Interrupts
from cli.terminal.screen import Screen, module_of, plural
from handler.outcomes import Reason

SHOWN = 5
"""Ids shown in a question."""

app = typer.Typer(
    no_args_is_help=True,
    help="List, replay or discard dead letters.\n\nExample: ota-modules dead-letters replay --all",
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

    def names(self) -> frozenset[str]:
        """Return the ids; none stands for all. Raises: UsageError: neither ids nor all are meant, or both."""
        if bool(self.ids) == self.every:
            raise UsageError("specify message ids or --all")
        return frozenset(self.ids or ())


@app.command("list")
@with_groups
def list_(session: Cloud, filters: Filters) -> None:
    """List requests that were given up, with their reasons.

    Example: ota-modules dead-letters list
    """
    screen = session.screen
    with _open(session.target()) as pile:
        found = _select(pile, filters, frozenset())
    modules = [", ".join(map(module_of, letter.requests[:3])) for letter in found]
    if found:
        rows = [(each.id, each.reason, names, each.detail) for each, names in zip(found, modules, strict=True)]
        screen.table(("Message", "Reason", "Modules", "Detail"), rows)
    _report(screen, found, "")


@app.command()
@with_groups
def replay(session: Cloud, choice: Choice) -> None:
    """Send dead letters again, with attempts counted from 1.

    Example: ota-modules dead-letters replay --all
    """
    names = choice.names()
    with _open(session.target(sends=True)) as pile:
        done = _select(pile, choice, names, pile.replay)
        _report(session.screen, done, " sent again")
        _check_complete(names, done)


@app.command()
@with_groups
def discard(
    session: Cloud,
    choice: Choice,
    yes: Annotated[bool, Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete dead letters for good.

    Example: ota-modules dead-letters discard --reason quota --all
    """
    names = choice.names()
    with _open(session.target()) as pile:
        if not yes:
            _confirm(names, _select(pile, choice, names))
        done = _select(pile, choice, names, pile.discard)
        _report(session.screen, done, " deleted")
        _check_complete(names, done)


def _confirm(names: frozenset[str], found: list[Letter]) -> None:
    """Ask before deleting. Raises: CliError: there are none, a named one is missing, or the answer is no."""
    _check_complete(names, found)
    if not found:
        raise CliError("no matching dead letters")
    shown = ", ".join(letter.id for letter in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
    if not typer.confirm(f"Delete {plural(len(found), 'dead letter')} for good ({shown})?", err=True):
        raise CliError("nothing was deleted")


def _check_complete(names: frozenset[str], found: list[Letter]) -> None:
    if missing := names - {letter.id for letter in found}:
        raise CliError(f"{len(missing)} not found: {', '.join(sorted(missing))}")


@contextmanager
def _open(target: Target) -> Iterator[Pile]:
    """Open the dead-letter queue. Raises: CliError: at the end, if another consumer holds some of the letters."""
    with closing(Pile(target)) as pile:
        yield pile
    if pile.hidden:
        raise CliError(f"{plural(pile.hidden, 'dead letter')} more are held by another consumer; try again in a minute")


def _select(
    pile: Pile, filters: Filters, names: frozenset[str], act: Callable[[Letter], None] | None = None
) -> list[Letter]:
    """Return the selected letters, and do something to each; Ctrl-C lets the current letter finish.

    The others are released at the end: one released at once would come again.
    """
    found: list[Letter] = []
    kept: list[Letter] = []
    with Interrupts() as interrupts:
        for letter in pile.each(filters.most):
            fits = filters.reason in (None, letter.reason) and (
                not filters.product or filters.product in letter.products
            )
            selected = fits and (not names or letter.id in names)
            found += [letter] if selected else []
            if selected and act:
                act(letter)
            else:
                kept.append(letter)
            if interrupts.asked or (names and len(found) == len(names)):
                break
        for letter in kept:
            pile.release(letter)
    return found


def _report(screen: Screen, letters: list[Letter], what: str) -> None:
    for letter in letters:
        screen.record(letter.record())
    screen.summary(f"{plural(len(letters), 'dead letter')}{what}")
