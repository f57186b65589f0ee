"""A manifest file as rows that know their place, whatever its format; the requests that they mean, and their faults."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product as pairs
from typing import Any

from cli import records
from cli.errors import UsageError
from handler.problems import find_closest, show_value

MOST_REQUESTS = 200_000
PARTS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "defaults": ((dict,), "an object"),
    "products": ((str, dict), "a name or an object"),
    "modules": ((str, dict), "a name or an object"),
    "overrides": ((dict,), "an object"),
    "requests": ((dict,), "an object with the fields of a request"),
}
"""What a manifest that is an object may hold, and what each row of it must be."""
OWN_FIELDS = ("ProductKey", "ModuleName", "Skip")
"""Fields of an override that change nothing: two name the requests, one leaves them out."""
EXTENSION = "x-"
"""Begins keys that stand for nothing: a place for YAML anchors, and for other tools."""


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


@dataclass(frozen=True)
class Row:
    """A value and its place."""

    place: Place
    value: Any
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What the file says where its format made something else of it, by field; the row's own text under ''."""

    def show(self, name: str = "") -> str:
        """Say what a value is, and how to write it where the format took it for something else than text."""
        value, source = self.value.get(name) if name else self.value, self.sources.get(name)
        read = show_value(value)
        return f"it is {read}" if not source else f"`{source}` is read as {read}: write '{source}'"


@dataclass(frozen=True)
class Document:
    """A manifest file as it stands: the rows of its parts, by their names; and rows that cannot be read."""

    parts: Mapping[str, Sequence[Row]]
    problems: Sequence[Fault] = ()


@dataclass(frozen=True)
class Wanted:
    """A request as the manifest spells it, unvalidated; its place; and the row in which each field stands."""

    place: Place
    rows: Mapping[str, Row]

    @property
    def fields(self) -> dict[str, Any]:
        return {name: row.value[name] for name, row in self.rows.items()}

    def place_of(self, name: str) -> Place:
        """Return where a field stands: in the request, the defaults, the product or an override."""
        return self.rows[name].place if name in self.rows else self.place


def document_of(parts: Mapping[str, tuple[Place, Iterable[Row]]]) -> Document:
    """Put the parts of an object together. Raises: Unreadable: one of them is unknown."""
    known = {name: part for name, part in parts.items() if not name.startswith(EXTENSION)}
    for name, (place, _) in known.items():
        if name not in PARTS:
            raise Unreadable(place, f"unknown key {name!r}; expected {', '.join(PARTS)}{suggestion(name, PARTS)}")
    return Document({name: tuple(part) for name, (_, part) in known.items()})


def is_grid(names: Iterable[str]) -> bool:
    """Whether an object is a manifest of parts; else it is a single request."""
    return any(find_closest(name, PARTS, cutoff=0.85) for name in names)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'products'?)`, or nothing where no known name comes near."""
    meant = find_closest(name, known)
    return f" (did you mean {meant!r}?)" if meant else ""


def wanted_by(document: Document) -> Iterator[Wanted | Fault]:
    """Yield plain requests, then every module for every product. The later of these wins: defaults, module, product,
    overrides. Raises: UsageError: far too many."""
    yield from document.problems
    valid: dict[str, list[Row]] = {part: [] for part in PARTS}
    for part, (kinds, words) in PARTS.items():
        for row in document.parts.get(part, ()):
            if isinstance(row.value, kinds):
                valid[part].append(row)
            else:
                yield Fault(row.place, "" if part == "requests" else part, f"must be {words} ({row.show()})")
    products, modules = (document.parts.get(name, ()) for name in ("products", "modules"))
    if bool(products) != bool(modules):
        yield Fault((products or modules)[0].place, "", "products and modules go together; one of them is missing")
    if len(products) * len(modules) > MOST_REQUESTS:
        raise UsageError(f"{products[0].place.file}: more than {MOST_REQUESTS} requests")
    yield from (_merge(row, (*valid["defaults"], row)) for row in valid["requests"])
    yield from _grid(valid)


def _merge(row: Row, layers: Iterable[Row], overrides: Iterable[Row] = ()) -> Wanted:
    """Return the request of a row; of the layers and overrides that hold a field, the last one counts."""
    fields = {name: layer for layer in layers for name in layer.value}
    changes = {name: each for each in overrides for name in each.value if name not in OWN_FIELDS}
    return Wanted(row.place, fields | changes)


def _grid(parts: Mapping[str, Sequence[Row]]) -> Iterator[Wanted | Fault]:
    overrides = parts["overrides"]
    unused = set(range(len(overrides)))
    for product, module in pairs(_named(parts["products"], "ProductKey"), _named(parts["modules"], "ModuleName")):
        layers = [*parts["defaults"], module, product]
        fields = _merge(module, layers).fields
        matching = [number for number, override in enumerate(overrides) if _matches(override.value, fields)]
        unused.difference_update(matching)
        if all(overrides[number].value.get("Skip") is not True for number in matching):
            yield _merge(module, layers, (overrides[number] for number in matching))
    for number, override in enumerate(overrides):
        if number in unused:
            names = {name: value for name, value in override.value.items() if name in OWN_FIELDS[:2]}
            what = show_value(names) if names else "it names neither ProductKey nor ModuleName"
            yield Fault(override.place, "", f"this override matches no request of the manifest ({what})")
        if not isinstance(skip := override.value.get("Skip", False), bool):
            yield Fault(override.place, "Skip", f"should be true or false, without quotes (it is {show_value(skip)})")


def _named(rows: Iterable[Row], name: str) -> list[Row]:
    """Return the rows as objects; a text alone is the value of the field `name`."""
    return [replace(row, value={name: row.value}) if isinstance(row.value, str) else row for row in rows]


def _matches(override: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Tell whether an override is meant for a request: what it says of product and module holds for it."""
    product, module = override.get("ProductKey"), override.get("ModuleName")
    if product is None and module is None:
        return False
    same = str(module).casefold() == str(fields.get("ModuleName")).casefold()
    return product in (None, fields.get("ProductKey")) and (module is None or same)
