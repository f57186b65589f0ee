"""Requests into the request queue, in batches, each noted in the ledger; and their outcomes as a report."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cli.clients.smq import BATCH, LARGEST_BATCH, Mailbox
from cli.sending.ledger import Ledger
from cli.terminal.files import csv_text, write
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from cli.terminal.screen import remark, visible
from handler.messages import ModuleRequest

COLUMNS = ("Id", "ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId", "Status", "Why")
FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would work out."""


def with_ids(requests: Sequence[ModuleRequest], run: str) -> list[ModuleRequest]:
    """Return the requests of a run; those without an Id get one of the run's name and their number."""
    return [
        request.model_copy(update={"Id": request.Id or f"{run}-{number}"}) for number, request in enumerate(requests, 1)
    ]


def body_of(request: ModuleRequest) -> str:
    return request.model_dump_json(exclude_none=True, exclude_defaults=True)


def send_all(
    mailbox: Mailbox,
    queue: str,
    requests: Sequence[ModuleRequest],
    ledger: Ledger,
    meter: Meter,
    interrupts: Interrupts,
) -> None:
    """Send what was not sent yet; after Ctrl-C the batch at hand ends first. Raises: CloudError."""
    for batch in batches(requests, ledger.unsent()):
        if interrupts.asked:
            return
        mailbox.send(queue, list(batch.values()))
        ledger.note_sent(batch)
        meter.step(len(batch))


def batches(requests: Sequence[ModuleRequest], numbers: Sequence[int]) -> Iterator[dict[int, str]]:
    """Yield as many bodies together, by number, as SMQ takes: 16 messages, 64 KiB."""
    batch: dict[int, str] = {}
    size = 0
    for number in numbers:
        body = body_of(requests[number])
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
    write(path, csv_text(COLUMNS, _rows(requests, ledger)))


def _rows(requests: Sequence[ModuleRequest], ledger: Ledger) -> Iterator[Mapping[str, str]]:
    for request, (status, outcome) in zip(requests, ledger.results(), strict=True):
        row = {**request.model_dump(), "Status": status, "Why": remark(outcome) if outcome else None}
        cells = {name: visible(row[name] or "") for name in COLUMNS}
        yield {name: f"'{cell}" if cell.startswith(FORMULA) else cell for name, cell in cells.items()}
