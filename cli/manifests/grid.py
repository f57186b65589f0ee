"""The requests that a manifest's document means, before any rule is checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.errors import UsageError
from cli.manifests.documents import Document, Row
from cli.manifests.faults import Fault, Place, how_to_write

MOST_REQUESTS = 200_000
OWN_FIELDS = ("ProductKey", "ModuleName", "Skip")
"""Fields of an override that change nothing: two name the requests, one leaves them out."""


@dataclass(frozen=True)
class Wanted:
    """A request as the manifest spells it, unvalidated; its row; and the rows of fields that stand elsewhere."""

    row: Row
    fields: object
    rows: Mapping[str, Row] = field(default_factory=dict)

    def row_of(self, name: str) -> Row:
        """Return the row in which a field stands: the request's, the defaults', the product's or an override's."""
        return self.rows.get(name, self.row)


def wanted_by(file: str, document: Document) -> Iterator[Wanted | Fault]:
    """Yield plain requests, then the products times the modules. Raises: UsageError: far too many."""
    for row in document.defaults:
        if not isinstance(row.value, dict):
            yield Fault(Place.of(file, row), "", "defaults must be an object")
            return
    yield from _plain(document)
    yield from _Grid(file, document)


def _plain(document: Document) -> Iterator[Wanted]:
    defaults = document.defaults[0] if document.defaults else Row(1, {})
    for row in document.requests:
        if isinstance(row.value, dict):
            others = {name: defaults for name in defaults.value if name not in row.value}
            yield Wanted(row, {**defaults.value, **row.value}, others)
        else:
            yield Wanted(row, row.value)


class _Grid:
    """Every module for every product; an override changes fields of the requests it names, or skips them.

    The nearer a field stands to one request the more it counts: defaults, module, product, override.
    """

    def __init__(self, file: str, document: Document) -> None:
        self._file = file
        self._document = document
        self._used: set[int] = set()

    def __iter__(self) -> Iterator[Wanted | Fault]:
        document = self._document
        if bool(document.products) != bool(document.modules):
            row = (document.products or document.modules)[0]
            yield self._fault(row, "", "products and modules go together; one of them is missing")
            return
        if len(document.products) * len(document.modules) > MOST_REQUESTS:
            raise UsageError(f"{self._file}: more than {MOST_REQUESTS} requests")
        yield from self._wrong_rows()
        for product in document.products:
            for module in document.modules:
                yield from self._request(product, module)
        for number, override in enumerate(document.overrides):
            if number not in self._used and isinstance(override.value, dict):
                yield self._fault(override, "", "this override matches no request of the manifest")

    def _wrong_rows(self) -> Iterator[Fault]:
        for row in (*self._document.products, *self._document.modules):
            if not isinstance(row.value, str | dict):
                yield self._fault(
                    row, "", f"must be a name or an object; {how_to_write(row.value, row.sources.get(''))}"
                )
        for row in self._document.overrides:
            if not isinstance(row.value, dict):
                yield self._fault(row, "", "an override must be an object")
            elif not isinstance(row.value.get("Skip", False), bool):
                rule = f"should be true or false, without quotes (it is {row.value['Skip']!r})"
                yield self._fault(row, "Skip", rule)

    def _request(self, product: Row, module: Row) -> Iterator[Wanted]:
        fields: dict[str, Any] = {}
        rows: dict[str, Row] = {}
        for row, named in ((module, "ModuleName"), (product, "ProductKey")):
            if not isinstance(row.value, str | dict):
                return
            values = {named: row.value} if isinstance(row.value, str) else row.value
            fields |= values
            rows |= dict.fromkeys(values, row)
        for row in self._document.defaults:
            missing = {name: value for name, value in row.value.items() if name not in fields}
            fields |= missing
            rows |= dict.fromkeys(missing, row)
        for override in self._overriding(fields):
            if override.value.get("Skip") is True:
                return
            changes = {name: value for name, value in override.value.items() if name not in OWN_FIELDS}
            fields |= changes
            rows |= dict.fromkeys(changes, override)
        yield Wanted(module, fields, rows)

    def _overriding(self, fields: Mapping[str, Any]) -> Iterator[Row]:
        for number, row in enumerate(self._document.overrides):
            if isinstance(row.value, dict) and _names(row.value, fields):
                self._used.add(number)
                yield row

    def _fault(self, row: Row, name: str, rule: str) -> Fault:
        return Fault(Place.of(self._file, row), name, rule)


def _names(override: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether an override is meant for a request: what it says of product and module holds for it."""
    product, module = override.get("ProductKey"), override.get("ModuleName")
    if product is None and module is None:
        return False
    same = str(module).casefold() == str(fields.get("ModuleName")).casefold()
    return product in (None, fields.get("ProductKey")) and (module is None or same)
