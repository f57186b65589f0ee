"""Tables of modules in which those that have the same in store are one row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from cli.terminal.screen import Screen, remark, status_text

ALIKE = 3
"""So many products with the same module and the same reason are shown one by one; more are one row."""
MOST_ROWS = 50
"""Rows of a table; --json has them all."""


class Row(NamedTuple):
    """A module of a product, what becomes of it, and why."""

    look: Text
    product: str
    module: str
    why: str = ""


def outcome_row(outcome: Mapping[str, Any]) -> Row:
    """Return an outcome's data as a row."""
    product, module = (str(outcome.get(name) or "-") for name in ("ProductKey", "ModuleName"))
    return Row(status_text(str(outcome.get("Status"))), product, module, remark(outcome))


def show_modules(screen: Screen, heading: Sequence[str], rows: Iterable[Row], *, title: str = "") -> None:
    """Show a table, if it has any row."""
    merged = list(_merged(rows))
    if merged:
        screen.table(heading, merged[:MOST_ROWS], title=title)
    if len(merged) > MOST_ROWS:
        screen.say(f"and {len(merged) - MOST_ROWS} more rows; --json has them all")


def _merged(rows: Iterable[Row]) -> Iterator[tuple[Text, str, str]]:
    kinds: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        kinds.setdefault((row.look.plain, row.module, row.why), []).append(row)
    for same in kinds.values():
        first = same[0]
        if len(same) > ALIKE:
            yield first.look, f"{first.module} of {len(same)} products, {first.product} the first", first.why
        else:
            yield from ((row.look, f"{row.product}/{row.module}", row.why) for row in same)
