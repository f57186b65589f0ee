"""A manifest file as rows that know their line, whatever its format."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PARTS = ("defaults", "products", "modules", "overrides", "requests")
"""What a manifest that is an object may hold."""


@dataclass(frozen=True)
class Row:
    """A value, and the line it begins on, counted from 1."""

    line: int
    value: Any


@dataclass(frozen=True)
class Document:
    """A manifest file as it stands: every module for every product, plain requests, or both."""

    defaults: tuple[Row, ...] = ()
    products: tuple[Row, ...] = ()
    modules: tuple[Row, ...] = ()
    overrides: tuple[Row, ...] = ()
    requests: tuple[Row, ...] = ()


class DocumentError(Exception):
    """A file that cannot be read as its format says."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def document_of(parts: Mapping[str, Row]) -> Document:
    """Of the parts of an object; each part's rows, or the one that it is."""
    unknown = next((name for name in parts if name not in PARTS), None)
    if unknown is not None:
        raise DocumentError(parts[unknown].line, f"{unknown} is none of {', '.join(PARTS)}")
    return Document(**{name: tuple(row.value) if name != "defaults" else (row,) for name, row in parts.items()})


def is_grid(names: Iterator[str]) -> bool:
    """Whether an object is a manifest of parts; else it is a single request."""
    return any(name in PARTS for name in names)
