"""`ota-modules dead-letters`: look at what was given up, send it again, or throw it away."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import typer

from cli.clients.letters import Letter, Pile
from cli.commands.options import AsJson, Local, chosen
from cli.errors import CliError, UsageError
from cli.terminal.interrupts import Interrupts
from cli.terminal.screen import Screen

SHOWN = 5
"""Ids in a question."""

app = typer.Typer(
    no_args_is_help=True,
    help="What was given up: list it, send it again, or throw it away.\n\nExample: ota-modules dead-letters replay --all",
)

Ids = Annotated[list[str] | None, typer.Argument(help="Message ids, as list shows them.")]
All = Annotated[bool, typer.Option("--all", help="Every letter that the other options leave.")]
Reason = Annotated[str | None, typer.Option(help="Only letters with this reason.")]
Product = Annotated[str | None, typer.Option(help="Only letters with a request for this product.")]
Most = Annotated[int, typer.Option(min=1, help="Look at so many letters at most.")]


@dataclass(frozen=True)
class Choice:
    """Which letters are meant."""

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
def list_(
    reason: Reason = None, product: Product = None, most: Most = 1000, local: Local = False, as_json: AsJson = False
) -> None:
    """Show the dead letters and why each was given up.

    Example: ota-modules dead-letters list
    """
    screen = Screen(as_json=as_json)
    with closing(Pile(chosen(screen, local=local))) as pile:
        found = _look(pile, Choice(frozenset(), reason, product), most)
    for letter in found:
        screen.record(letter.record())
    rows = [(letter.id, letter.reason, ", ".join(letter.modules[:3]), letter.detail) for letter in found]
    if rows:
        screen.table(("Message", "Reason", "Modules", "Detail"), rows)
    screen.say(_letters(len(found)))
    _warn_of_others(pile)


@app.command()
def replay(
    ids: Ids = None, every: All = False, reason: Reason = None, product: Product = None, most: Most = 100_000,
    local: Local = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Send dead letters again, their attempts begun anew.

    Example: ota-modules dead-letters replay --all
    """
    screen = Screen(as_json=as_json)
    choice = _choice(ids, reason, product, every=every)
    with closing(Pile(chosen(screen, local=local))) as pile:
        _tell(screen, choice, _work(pile, choice, most, pile.replay), "sent again")
    _warn_of_others(pile)


@app.command()
def discard(
    ids: Ids = None, every: All = False, reason: Reason = None, product: Product = None, most: Most = 100_000,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, local: Local = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Throw dead letters away, for good.

    Example: ota-modules dead-letters discard --reason quota --all
    """
    screen = Screen(as_json=as_json)
    choice = _choice(ids, reason, product, every=every)
    target = chosen(screen, local=local)
    with closing(Pile(target)) as pile:
        if not yes:
            _confirm(choice, _look(pile, choice, most))
        _tell(screen, choice, _work(pile, choice, most, pile.discard), "thrown away")
    _warn_of_others(pile)


def _confirm(choice: Choice, found: list[Letter]) -> None:
    """Raises: CliError: there are none, one that was named is missing, or the answer is no."""
    _complete(choice, found)
    if not found:
        raise CliError("no such dead letters")
    names = ", ".join(letter.id for letter in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
    if not typer.confirm(f"Throw {_letters(len(found))} away for good ({names})?", err=True):
        raise CliError("nothing was thrown away")


def _complete(choice: Choice, found: list[Letter]) -> None:
    if missing := choice.ids - {letter.id for letter in found}:
        raise CliError(f"{len(missing)} not found: {', '.join(sorted(missing))}")


def _letters(count: int) -> str:
    return f"{count} dead letter" if count == 1 else f"{count} dead letters"


def _warn_of_others(pile: Pile) -> None:
    """Raises: CliError: not all could be looked at."""
    if pile.elsewhere:
        raise CliError(
            f"{_letters(pile.elsewhere)} more: somebody else is looking at them now, so try again in a minute"
        )


def _choice(ids: list[str] | None, reason: str | None, product: str | None, *, every: bool) -> Choice:
    if bool(ids) == every:
        raise UsageError("name messages, or say --all")
    return Choice(frozenset(ids or ()), reason, product)


def _look(pile: Pile, choice: Choice, most: int) -> list[Letter]:
    """The letters that are meant; all are let go at the end: one released at once would come again."""
    seen: list[Letter] = []
    with Interrupts() as interrupts:
        for letter in pile.each(most):
            seen.append(letter)
            if interrupts.asked:
                break
        for letter in seen:
            pile.release(letter)
    return [letter for letter in seen if choice.takes(letter)]


def _work(pile: Pile, choice: Choice, most: int, act: Callable[[Letter], None]) -> list[Letter]:
    """Do something to the letters that are meant, and let the others go; after Ctrl-C the letter at hand ends first."""
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


def _tell(screen: Screen, choice: Choice, done: list[Letter], what: str) -> None:
    for letter in done:
        screen.record(letter.record())
    screen.say(f"{_letters(len(done))} {what}")
    _complete(choice, done)
