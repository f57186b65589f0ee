"""What products hold, as a manifest: products with the same modules become one grid."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import yaml

from cli.clients.iot import Holding
from cli.terminal.files import csv_text
from handler.iot import Module
from handler.modules import BUILT_IN

ExportFormat = Literal["yaml", "jsonl", "csv"]
COLUMNS = ("ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId")


def custom(holding: Holding) -> list[Module]:
    """Return the modules of a product that a manifest may name, by name."""
    modules = [module for module in holding.modules if module.ModuleName.lower() != BUILT_IN]
    return sorted(modules, key=lambda module: module.ModuleName.lower())


def _fields(module: Module) -> dict[str, str]:
    values = {"ModuleName": module.ModuleName, "AliasName": module.AliasName, "Desc": module.Desc}
    return {name: value for name, value in values.items() if value}


def _requests(holdings: Iterable[Holding]) -> Iterable[dict[str, str]]:
    for holding in holdings:
        instance = {"IotInstanceId": holding.product.instance} if holding.product.instance else {}
        for module in custom(holding):
            yield {"ProductKey": holding.product.key, **_fields(module), **instance}


def as_yaml(holdings: Sequence[Holding]) -> str:
    """Return YAML documents, one for each set of modules, with the products that hold it."""
    groups: dict[tuple[Any, ...], list[Holding]] = {}
    for holding in holdings:
        if modules := custom(holding):
            key = (holding.product.instance, *(tuple(_fields(module).items()) for module in modules))
            groups.setdefault(key, []).append(holding)
    documents = [_grid(same) for same in groups.values()]
    empty = [holding.product.key for holding in holdings if not custom(holding)]
    note = f"# Without custom modules: {', '.join(empty)}\n" if empty else ""
    text = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)
    return note + (text if documents else "")


def _grid(same: Sequence[Holding]) -> Mapping[str, Any]:
    instance = same[0].product.instance
    modules = [_fields(module) for module in custom(same[0])]
    return {
        **({"defaults": {"IotInstanceId": instance}} if instance else {}),
        "products": [holding.product.key for holding in same],
        "modules": [fields if len(fields) > 1 else fields["ModuleName"] for fields in modules],
    }


def as_lines(holdings: Sequence[Holding]) -> str:
    """Return JSON Lines, a request each."""
    return "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in _requests(holdings))


def as_csv(holdings: Sequence[Holding]) -> str:
    """Return CSV, a row each."""
    return csv_text(COLUMNS, _requests(holdings))


WRITERS: Mapping[ExportFormat, Callable[[Sequence[Holding]], str]] = {
    "yaml": as_yaml,
    "jsonl": as_lines,
    "csv": as_csv,
}
