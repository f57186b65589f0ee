"""Figures with their goals, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table under a title, with what has to be known to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: str = ""

    def text(self) -> str:
        """Return the table as Markdown."""
        lines = [f"### {self.title}", "", "| " + " | ".join(self.columns) + " |", "|" + "---|" * len(self.columns)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.notes] if self.notes else lines)


def met(holds: bool) -> str:
    """Say whether a goal is met."""
    return "met" if holds else "**missed**"
