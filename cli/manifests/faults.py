"""What is wrong in a manifest, and where; faults of one kind are told as one."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli import records
from cli.errors import UsageError
from cli.manifests.documents import Row

MOST_LINES = 20
"""Lines in which faults are told at most."""
ALONE = 3
"""So many faults of one kind are told one by one."""


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in a manifest: a line, or a path where the format knows no lines."""

    file: str
    line: int
    path: str = ""

    @classmethod
    def of(cls, file: str, row: Row) -> "Place":
        return cls(file, row.line, row.path)

    def __str__(self) -> str:
        return f"{self.file}: {self.path}" if self.path else f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Fault:
    """A rule that a manifest breaks; `field` is empty where it is not one field's."""

    place: Place
    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.field + ': ' if self.field else ''}{self.rule}"

    @property
    def kind(self) -> tuple[str, str, str]:
        """The same for faults that differ only in their values."""
        values = r"\(it is .*?\)(?=;|$| \()|`[^`]*`|'[^']*'|\"[^\"]*\"|\S+/\S+|\S+:\d+|\d+"
        return self.place.file, self.field, re.sub(values, "…", self.rule)

    def record(self) -> records.Fault:
        place = self.place
        made: records.Fault = {"File": place.file, "Line": place.line, "Field": self.field, "Rule": self.rule}
        return {**made, "Path": place.path} if place.path else made


def how_to_write(value: object, source: str | None) -> str:
    """Say what a format made of a value, and how to write it as text."""
    shown = json.dumps(value, default=str, ensure_ascii=False)
    if source is None:
        return f"it is {shown}"
    return f"`{source}` is read as {shown}: write '{source}'"


def told(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield the lines in which faults are told: those of one kind are one line with a count, and there are at most 20."""
    kinds: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault(fault.kind, []).append(fault)
    lines = [line for same in kinds.values() for line in _lines(same)]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"and {len(lines) - MOST_LINES} more lines of other kinds"


def _lines(same: Sequence[Fault]) -> list[str]:
    if len(same) <= ALONE:
        return [str(fault) for fault in same]
    return [f"{same[0]}, and {len(same) - 1} more of the same kind, the last at {same[-1].place}"]


class ManifestError(UsageError):
    """A manifest breaks rules."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(told(faults)))
        self.faults = tuple(faults)
