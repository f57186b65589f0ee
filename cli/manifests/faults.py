"""What is wrong in a manifest, and where; faults of one kind are shown as one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli import records

MOST_LINES = 20
"""Lines in which faults are shown at most."""
ALONE = 3
"""So many faults of one kind are shown one by one."""
_VALUES = r"\(it is .*?\)(?=;|$| \()|`[^`]*`|'[^']*'|\"[^\"]*\"|\S+/\S+|\S+:\d+|\d+"


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in a manifest: a line, counted from 1, or a path where the format knows no lines."""

    file: str
    line: int
    path: str = ""

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

    def record(self) -> records.Fault:
        place = self.place
        made: records.Fault = {"File": place.file, "Line": place.line, "Field": self.field, "Rule": self.rule}
        return {**made, "Path": place.path} if place.path else made


class Unreadable(Exception):
    """A file that cannot be read as its format says."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(problem)
        self.fault = Fault(place, "", problem)


def summarize(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield the lines in which faults are shown: those that differ in their values only are one line with a count."""
    kinds: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault((fault.place.file, fault.field, re.sub(_VALUES, "…", fault.rule)), []).append(fault)
    lines: list[str] = []
    for same in kinds.values():
        rest = f", and {len(same) - 1} more of the same kind, the last at {same[-1].place}"
        lines += map(str, same) if len(same) <= ALONE else [f"{same[0]}{rest}"]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"and {len(lines) - MOST_LINES} more lines of other kinds"
