"""Requests as batches of messages, and their outcomes as a report."""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

from cli.clients.smq import BATCH, LARGEST_BATCH
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


def batches(requests: Sequence[ModuleRequest], numbers: Sequence[int]) -> Iterator[dict[int, str]]:
    """Yield as many bodies together, by number, as SMQ takes: 16 messages, 64 KiB."""
    batch: dict[int, str] = {}
    size = 0
    for number in numbers:
        body = requests[number].model_dump_json(exclude_none=True, exclude_defaults=True)
        weight = len(base64.b64encode(body.encode()))
        if len(batch) == BATCH or (batch and size + weight > LARGEST_BATCH):
            yield batch
            batch, size = {}, 0
        batch[number] = body
        size += weight
    if batch:
        yield batch


def write_report(path: Path, requests: Sequence[ModuleRequest], ledger: Ledger) -> None:
    """Write a row for each request, in order, as CSV; one without an outcome has no status. Raises: CliError."""
    rows = []
    for request, (status, outcome) in zip(requests, ledger.results(), strict=True):
        row = {**request.model_dump(), "Status": status, "Why": remark(outcome) if outcome else None}
        cells = {name: visible(row[name] or "") for name in COLUMNS}
        rows.append({name: f"'{cell}" if cell.startswith(FORMULA) else cell for name, cell in cells.items()})
    write(path, csv_text(COLUMNS, rows))
