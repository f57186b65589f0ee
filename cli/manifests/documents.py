"""A manifest file as rows that know their place, whatever its format."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.manifests.faults import Fault, Place, Unreadable
from handler.problems import closest

PARTS = ("defaults", "products", "modules", "overrides", "requests")
"""What a manifest that is an object may hold."""
EXTENSION = "x-"
"""Begins keys that stand for nothing: a place for YAML anchors, and for other tools."""


@dataclass(frozen=True)
class Row:
    """A value and its place."""

    place: Place
    value: Any


@dataclass(frozen=True)
class Document:
    """A manifest file as it stands: every module for every product, plain requests, or both."""

    defaults: tuple[Row, ...] = ()
    products: tuple[Row, ...] = ()
    modules: tuple[Row, ...] = ()
    overrides: tuple[Row, ...] = ()
    requests: tuple[Row, ...] = ()
    problems: tuple[Fault, ...] = ()
    """Rows that cannot be read; the others can."""


def document_of(parts: Mapping[str, tuple[Place, Iterable[Row]]]) -> Document:
    """Put the parts of an object together. Raises: Unreadable: one of them is unknown."""
    known = {name: part for name, part in parts.items() if not name.startswith(EXTENSION)}
    for name, (place, _) in known.items():
        if name not in PARTS:
            raise Unreadable(place, f"unknown key {name!r}; expected {', '.join(PARTS)}{suggestion(name, PARTS)}")
    rows: dict[str, Any] = {name: tuple(part) for name, (_, part) in known.items()}
    return Document(**rows)


def is_grid(names: Iterable[str]) -> bool:
    """Whether an object is a manifest of parts; else it is a single request."""
    return any(closest(name, PARTS, cutoff=0.85) for name in names)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'products'?)`, or nothing where no known name comes near."""
    meant = closest(name, known)
    return f" (did you mean {meant!r}?)" if meant else ""
