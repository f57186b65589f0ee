"""`ota-modules export`: what the account holds, as a manifest."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from typer import Argument, Option

from cli.clients.iot import Holding, ProductRef, Products
from cli.commands.session import Cloud, Qps
from cli.errors import CliError, UsageError
from cli.manifests.formats import decode
from cli.terminal.files import csv_text, json_lines, read, write
from cli.terminal.progress import Meter
from cli.terminal.screen import plural
from handler.modules import BUILT_IN

ExportFormat = Literal["yaml", "jsonl", "csv"]
COLUMNS = ("ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId")


def export(
    session: Cloud,
    products: Annotated[list[str] | None, Argument(help="Product keys, or names with * and ? (default: all).")] = None,
    file: Annotated[Path | None, Option("--from", help="File with product keys or names, one a line.")] = None,
    form: Annotated[ExportFormat, Option("--format", help="Format of the manifest.")] = "yaml",
    output: Annotated[Path | None, Option(help="File to write (default: standard output).")] = None,
    instance: Annotated[str, Option(help="Instance in which the products are (default: none).")] = "",
    qps: Qps = 3,
) -> None:
    """Write what products hold as a manifest: `plan` of it says that there is nothing to do. Changes nothing.

    Example: ota-modules export "Fleet*" > fleet.yml
    """
    screen, target = session.screen, session.target()
    wanted = list(products or ())
    if file:
        lines = decode(str(file), read(str(file)))[0].splitlines()
        wanted += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    with closing(Products(target, qps)) as reader:
        found = _chosen(reader.names(instance), wanted, instance)
        holdings: list[Holding] = []
        with Meter(screen, "products", len(found)) as meter:
            for holding in reader.read(found):
                holdings.append(holding)
                meter.step(1)
    if refused := [f"{holding.product.key}: {holding.refused}" for holding in holdings if holding.refused]:
        raise CliError(f"{plural(len(refused), 'product')} cannot be read, the first is {refused[0]}")
    text = manifest_of(holdings, "jsonl" if session.as_json else form)
    if output:
        write(output, text)
    else:
        # Manifests are UTF-8, whatever the terminal's encoding: an escape in a name would be another name.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    modules = sum(len(custom(holding)) for holding in holdings)
    screen.note(f"{plural(modules, 'module')} of {plural(len(holdings), 'product')}")


def _chosen(names: Mapping[ProductRef, str], wanted: Sequence[str], instance: str) -> list[ProductRef]:
    """Return the products that are wanted: by key, also where the list does not show it, or by name."""
    if not wanted:
        return list(names)
    chosen: dict[ProductRef, None] = {}
    for text in wanted:
        matches = [each for each, name in names.items() if text == each.key or fnmatchcase(name.lower(), text.lower())]
        if not matches and set(text) & set("*? "):
            raise UsageError(f"no product is called {text!r}")
        chosen.update(dict.fromkeys(matches or [ProductRef(instance, text)]))
    return list(chosen)


def custom(holding: Holding) -> list[dict[str, str]]:
    """Return the modules of a product that a manifest may name, by name, without empty fields."""
    custom_ones = (module for module in holding.modules if module.ModuleName.lower() != BUILT_IN)
    modules = sorted(custom_ones, key=lambda module: module.ModuleName.lower())
    return [{name: value for name in COLUMNS[1:4] if (value := getattr(module, name))} for module in modules]


def manifest_of(holdings: Sequence[Holding], form: ExportFormat) -> str:
    """Return the text of a manifest: in YAML grids, else a request a row. CSV leaves out what its reader would change."""
    if form != "csv":
        return _grids(holdings) if form == "yaml" else json_lines(_requests(holdings))
    rows = ({name: cell for name, cell in row.items() if cell == cell.strip()} for row in _requests(holdings))
    return csv_text(COLUMNS, rows)


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
