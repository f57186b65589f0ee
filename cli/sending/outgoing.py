"""Requests with the Ids of a run, and their outcomes as a report."""

from collections.abc import Sequence
from pathlib import Path

from cli.sending.ledger import Ledger
from cli.terminal.files import csv_text, write
from cli.terminal.screen import remark, visible
from handler.messages import ModuleRequest

COLUMNS = ("Id", "ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId", "Status", "Why")
FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would work out."""


def with_ids(requests: Sequence[ModuleRequest], run: str) -> list[ModuleRequest]:
    """Return the requests of a run; those without an Id get one of the run's name and their number."""
    numbered = enumerate(requests, 1)
    return [request.model_copy(update={"Id": request.Id or f"{run}-{number}"}) for number, request in numbered]


def write_report(path: Path, requests: Sequence[ModuleRequest], ledger: Ledger) -> None:
    """Write a row for each request, in order, as CSV; one without an outcome has no status. Raises: CliError."""
    rows = []
    for request, (status, outcome) in zip(requests, ledger.results(), strict=True):
        row = {**request.model_dump(), "Status": status, "Why": remark(outcome) if outcome else None}
        cells = {name: visible(row[name] or "") for name in COLUMNS}
        rows.append({name: f"'{cell}" if cell.startswith(FORMULA) else cell for name, cell in cells.items()})
    write(path, csv_text(COLUMNS, rows))
