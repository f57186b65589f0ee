"""`ota-modules dead-letters`: list, replay or discard dead letters."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from cli.clients.letters import Letter, Pile
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

Ids = Annotated[list[str] | None, typer.Argument(help="Message ids, as shown by list.")]
All = Annotated[bool, typer.Option("--all", help="All messages matching the filters.")]
KnownReason = Literal[Reason, "undelivered"]
"""Reasons of the function, and that of letters which it never finished (`cli.clients.letters.UNDELIVERED`)."""
ReasonOption = Annotated[KnownReason | None, typer.Option(help="Only this reason.")]
Product = Annotated[str | None, typer.Option(help="Only this product.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="Look at this many at most.")]


@dataclass(frozen=True)
class Choice:
    """Selects dead letters."""

    ids: frozenset[str]
    reason: str | None
    product: str | None

    def takes(self, letter: Letter) -> bool:
        return (
            (not self.ids or letter.id in self.ids)
            and self.reason in (None, letter.reason)
            and (self.product is None or self.product in letter.products)
        )


@app.command("list")
@with_groups
def list_(session: Cloud, reason: ReasonOption = None, product: Product = None, most: Most = 1000) -> None:
    """List requests that were given up, with their reasons.

    Example: ota-modules dead-letters list
    """
    screen = session.screen
    with closing(Pile(session.target())) as pile:
        found = _select(pile, Choice(frozenset(), reason, product), most)
    for letter in found:
        screen.record(letter.record())
    rows = [
        (letter.id, letter.reason, ", ".join(map(module_of, letter.requests[:3])), letter.detail) for letter in found
    ]
    if rows:
        screen.table(("Message", "Reason", "Modules", "Detail"), rows)
    screen.summary(plural(len(found), "dead letter"))
    _check_hidden(pile)


@app.command()
@with_groups
def replay(
    session: Cloud,
    ids: Ids = None,
    every: All = False,
    reason: ReasonOption = None,
    product: Product = None,
    most: Most = 100_000,
) -> None:
    """Send dead letters again, with attempts counted from 1.

    Example: ota-modules dead-letters replay --all
    """
    screen = session.screen
    choice = _choice(ids, reason, product, every=every)
    with closing(Pile(session.target(sends=True))) as pile:
        _report(screen, choice, _apply(pile, choice, most, pile.replay), "sent again")
    _check_hidden(pile)


@app.command()
@with_groups
def discard(
    session: Cloud,
    ids: Ids = None,
    every: All = False,
    reason: ReasonOption = None,
    product: Product = None,
    most: Most = 100_000,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete dead letters for good.

    Example: ota-modules dead-letters discard --reason quota --all
    """
    screen = session.screen
    choice = _choice(ids, reason, product, every=every)
    target = session.target()
    with closing(Pile(target)) as pile:
        if not yes:
            _confirm(choice, _select(pile, choice, most))
        _report(screen, choice, _apply(pile, choice, most, pile.discard), "deleted")
    _check_hidden(pile)


def _confirm(choice: Choice, found: list[Letter]) -> None:
    """Ask before deleting. Raises: CliError: there are none, a named one is missing, or the answer is no."""
    _check_complete(choice, found)
    if not found:
        raise CliError("no matching dead letters")
    names = ", ".join(letter.id for letter in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
    if not typer.confirm(f"Delete {plural(len(found), 'dead letter')} for good ({names})?", err=True):
        raise CliError("nothing was deleted")


def _check_complete(choice: Choice, found: list[Letter]) -> None:
    if missing := choice.ids - {letter.id for letter in found}:
        raise CliError(f"{len(missing)} not found: {', '.join(sorted(missing))}")


def _check_hidden(pile: Pile) -> None:
    """Raises: CliError: another consumer holds some of the letters."""
    if pile.hidden:
        raise CliError(f"{plural(pile.hidden, 'dead letter')} more are held by another consumer; try again in a minute")


def _choice(ids: list[str] | None, reason: str | None, product: str | None, *, every: bool) -> Choice:
    if bool(ids) == every:
        raise UsageError("specify message ids or --all")
    return Choice(frozenset(ids or ()), reason, product)


def _select(pile: Pile, choice: Choice, most: int) -> list[Letter]:
    """Return the selected letters; all are released at the end: one released at once would come again."""
    seen: list[Letter] = []
    with Interrupts() as interrupts:
        for letter in pile.each(most):
            seen.append(letter)
            if interrupts.asked:
                break
        for letter in seen:
            pile.release(letter)
    return [letter for letter in seen if choice.takes(letter)]


def _apply(pile: Pile, choice: Choice, most: int, act: Callable[[Letter], None]) -> list[Letter]:
    """Apply an action to the selected letters and release the others; Ctrl-C lets the current letter finish."""
    done: list[Letter] = []
    others: list[Letter] = []
    with Interrupts() as interrupts:
        for letter in pile.each(most):
            if choice.takes(letter):
                act(letter)
                done.append(letter)
            else:
                others.append(letter)
            if interrupts.asked or (choice.ids and len(done) == len(choice.ids)):
                break
        for letter in others:
            pile.release(letter)
    return done


def _report(screen: Screen, choice: Choice, done: list[Letter], what: str) -> None:
    for letter in done:
        screen.record(letter.record())
    screen.summary(f"{plural(len(done), 'dead letter')} {what}")
    _check_complete(choice, done)
