"""The requests that a manifest's document means, before any rule is checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.errors import UsageError
from cli.manifests.documents import Document, Row
from cli.manifests.faults import Fault, Place

MOST_REQUESTS = 200_000


@dataclass(frozen=True)
class Wanted:
    """What stands for a request (an object, if all is well), its line, and the lines of fields that stand elsewhere."""

    line: int
    fields: object
    lines: Mapping[str, int]


def _plain(document: Document) -> Iterator[Wanted]:
    defaults = document.defaults[0].value if document.defaults else {}
    for row in document.requests:
        yield Wanted(row.line, {**defaults, **row.value} if isinstance(row.value, dict) else row.value, {})


def wanted_by(file: str, document: Document) -> Iterator[Wanted | Fault]:
    """Plain requests, then the products times the modules. Raises: UsageError: far too many."""
    for row in document.defaults:
        if not isinstance(row.value, dict):
            yield Fault(Place(file, row.line), "", "defaults must be an object")
            return
    yield from _plain(document)
    yield from _Grid(file, document)


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
            yield Fault(Place(self._file, row.line), "", "products and modules go together; one of them is missing")
            return
        if len(document.products) * len(document.modules) > MOST_REQUESTS:
            raise UsageError(f"{self._file}: more than {MOST_REQUESTS} requests")
        for product in document.products:
            for module in document.modules:
                yield from self._one(product, module)
        for number, override in enumerate(document.overrides):
            if number not in self._used:
                yield Fault(Place(self._file, override.line), "", "this override names no request of the manifest")

    def _one(self, product: Row, module: Row) -> Iterator[Wanted | Fault]:
        fields: dict[str, Any] = {}
        lines: dict[str, int] = {}
        named = (
            Row(product.line, _named(product.value, "ProductKey")),
            Row(module.line, _named(module.value, "ModuleName")),
        )
        for row in (*self._document.defaults, named[1], named[0]):
            if not isinstance(row.value, dict):
                yield Fault(Place(self._file, row.line), "", "must be a name or an object")
                return
            fields.update(row.value)
            lines.update(dict.fromkeys(row.value, row.line))
        for override in self._overriding(fields):
            if override.value.get("Skip") is True:
                return
            changes = {
                name: value
                for name, value in override.value.items()
                if name not in ("ProductKey", "ModuleName", "Skip")
            }
            fields.update(changes)
            lines.update(dict.fromkeys(changes, override.line))
        yield Wanted(module.line, fields, lines)

    def _overriding(self, fields: Mapping[str, Any]) -> Iterator[Row]:
        for number, row in enumerate(self._document.overrides):
            if isinstance(row.value, dict) and _names(row.value, fields):
                self._used.add(number)
                yield row


def _named(value: object, field: str) -> object:
    return {field: value} if isinstance(value, str) else value


def _names(override: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether an override is meant for a request: what it says of product and module holds for it."""
    product, module = override.get("ProductKey"), override.get("ModuleName")
    if product is None and module is None:
        return False
    same = str(module).casefold() == str(fields.get("ModuleName")).casefold()
    return product in (None, fields.get("ProductKey")) and (module is None or same)
