"""What products hold, as a manifest: products with the same modules become one grid."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import yaml

from cli.clients.iot import Holding
from cli.terminal.files import csv_text, json_lines
from handler.modules import BUILT_IN

ExportFormat = Literal["yaml", "jsonl", "csv"]
COLUMNS = ("ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId")


def custom(holding: Holding) -> list[dict[str, str]]:
    """Return the modules of a product that a manifest may name, by name, without empty fields."""
    modules = sorted(holding.modules, key=lambda module: module.ModuleName.lower())
    return [
        {name: value for name in COLUMNS[1:4] if (value := getattr(module, name))}
        for module in modules
        if module.ModuleName.lower() != BUILT_IN
    ]


def manifest_of(holdings: Sequence[Holding], form: ExportFormat) -> str:
    """Return the text of a manifest: in YAML grids, else a request a row."""
    if form == "yaml":
        return _grids(holdings)
    return json_lines(_requests(holdings)) if form == "jsonl" else csv_text(COLUMNS, _requests(holdings))


def _requests(holdings: Iterable[Holding]) -> Iterator[dict[str, str]]:
    for holding in holdings:
        instance = {"IotInstanceId": holding.product.instance} if holding.product.instance else {}
        for module in custom(holding):
            yield {"ProductKey": holding.product.key, **module, **instance}


def _grids(holdings: Sequence[Holding]) -> str:
    """Return YAML documents, one for each set of modules, with the products that hold it."""
    grids: dict[str, dict[str, Any]] = {}
    empty: list[str] = []
    for holding in holdings:
        key, instance, modules = holding.product.key, holding.product.instance, custom(holding)
        if not modules:
            empty.append(key)
            continue
        grid: dict[str, Any] = {"defaults": {"IotInstanceId": instance}} if instance else {}
        grid |= {"products": [], "modules": [each if len(each) > 1 else each["ModuleName"] for each in modules]}
        grids.setdefault(json.dumps(grid), grid)["products"].append(key)
    note = f"# Without custom modules: {', '.join(empty)}\n" if empty else ""
    text = yaml.safe_dump_all(grids.values(), allow_unicode=True, sort_keys=False, width=120, default_flow_style=None)
    return note + (text if grids else "")
