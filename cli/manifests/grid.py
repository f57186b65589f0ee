"""The requests that a manifest's document means, before any rule of a request is checked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product as pairs
from typing import Any

from cli.errors import UsageError
from cli.manifests.documents import Document, Row
from cli.manifests.faults import Fault
from handler.problems import shown

MOST_REQUESTS = 200_000
OWN_FIELDS = ("ProductKey", "ModuleName", "Skip")
"""Fields of an override that change nothing: two name the requests, one leaves them out."""


@dataclass(frozen=True)
class Wanted:
    """A request as the manifest spells it, unvalidated; its row; and the row in which each field stands."""

    row: Row
    fields: Any
    """By name; or what stands there that is no object."""
    rows: Mapping[str, Row] = field(default_factory=dict)

    def row_of(self, name: str) -> Row:
        """Return the row in which a field stands: the request's, the defaults', the product's or an override's."""
        return self.rows.get(name, self.row)


def _merge(row: Row, layers: Iterable[Row]) -> Wanted:
    """Return the request of a row; of the layers that hold a field, the last one counts."""
    rows = {name: layer for layer in layers for name in layer.value}
    return Wanted(row, {name: layer.value[name] for name, layer in rows.items()}, rows)


def wanted_by(document: Document) -> Iterator[Wanted | Fault]:
    """Yield plain requests, then every module for every product. The later of these wins: defaults, module, product,
    overrides. Raises: UsageError: far too many."""
    yield from document.problems
    defaults = document.defaults
    if any(not isinstance(row.value, dict) for row in defaults):
        yield Fault(defaults[0].place, "", "defaults must be an object")
        return
    for row in document.requests:
        yield _merge(row, (*defaults, row)) if isinstance(row.value, dict) else Wanted(row, row.value)
    if bool(document.products) != bool(document.modules):
        place = (document.products or document.modules)[0].place
        yield Fault(place, "", "products and modules go together; one of them is missing")
        return
    if len(document.products) * len(document.modules) > MOST_REQUESTS:
        raise UsageError(f"{document.products[0].place.file}: more than {MOST_REQUESTS} requests")
    yield from _wrong_rows(document)
    yield from _grid(document)


def _wrong_rows(document: Document) -> Iterator[Fault]:
    for row in (*document.products, *document.modules):
        if not isinstance(row.value, str | dict):
            yield Fault(row.place, "", f"must be a name or an object (it is {shown(row.value)})")
    for row in document.overrides:
        if not isinstance(row.value, dict):
            yield Fault(row.place, "", "an override must be an object")
        elif not isinstance(row.value.get("Skip", False), bool):
            rule = f"should be true or false, without quotes (it is {shown(row.value['Skip'])})"
            yield Fault(row.place, "Skip", rule)


def _grid(document: Document) -> Iterator[Wanted | Fault]:
    overrides = [row for row in document.overrides if isinstance(row.value, dict)]
    unused = set(range(len(overrides)))
    for product, module in pairs(_named(document.products, "ProductKey"), _named(document.modules, "ModuleName")):
        layers = [*document.defaults, module, product]
        fields = _merge(module, layers).fields
        matching = [number for number, override in enumerate(overrides) if _matches(override.value, fields)]
        unused.difference_update(matching)
        if all(overrides[number].value.get("Skip") is not True for number in matching):
            yield _merge(module, [*layers, *map(_changes, (overrides[number] for number in matching))])
    for number in sorted(unused):
        yield Fault(overrides[number].place, "", "this override matches no request of the manifest")


def _named(rows: Iterable[Row], name: str) -> list[Row]:
    """Return the rows as objects; a text alone is the value of the field `name`. Others are faults already."""
    texts = [replace(row, value={name: row.value}) if isinstance(row.value, str) else row for row in rows]
    return [row for row in texts if isinstance(row.value, dict)]


def _changes(override: Row) -> Row:
    return replace(override, value={name: each for name, each in override.value.items() if name not in OWN_FIELDS})


def _matches(override: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Tell whether an override is meant for a request: what it says of product and module holds for it."""
    product, module = override.get("ProductKey"), override.get("ModuleName")
    if product is None and module is None:
        return False
    same = str(module).casefold() == str(fields.get("ModuleName")).casefold()
    return product in (None, fields.get("ProductKey")) and (module is None or same)
