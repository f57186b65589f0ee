"""Requests into the request queue, in batches, each noted in the ledger before and after; and their outcomes as a report."""

import base64
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cli.clients.smq import BATCH, LARGEST_BATCH, Mailbox
from cli.errors import CliError
from cli.sending.ledger import DOUBTFUL, SENT, Ledger
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from cli.terminal.screen import remark, visible
from handler.messages import ModuleRequest

COLUMNS = ("Id", "ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId", "Status", "Why")
FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would work out."""


class Outgoing:
    """The requests of one sending, by number; those without an Id get one that the ledger keeps."""

    def __init__(self, requests: Sequence[ModuleRequest], run: str) -> None:
        self._requests = requests
        self._run = run

    def id(self, number: int) -> str:
        return self._requests[number].Id or f"{self._run}-{number + 1}"

    def body(self, number: int) -> str:
        request = self._requests[number].model_copy(update={"Id": self.id(number)})
        return request.model_dump_json(exclude_none=True, exclude_defaults=True)

    def numbers(self) -> dict[str, int]:
        return {self.id(number): number for number in range(len(self._requests))}


def send_all(
    mailbox: Mailbox, queue: str, outgoing: Outgoing, ledger: Ledger, meter: Meter, interrupts: Interrupts
) -> None:
    """Send what was not sent yet; after Ctrl-C the batch at hand ends first. Raises: CloudError."""
    for numbers in batches(outgoing, ledger.unsent()):
        if interrupts.asked:
            return
        ledger.note_state(numbers, DOUBTFUL)
        mailbox.send(queue, [outgoing.body(number) for number in numbers])
        ledger.note_state(numbers, SENT)
        meter.step(len(numbers))


def batches(outgoing: Outgoing, numbers: Sequence[int]) -> Iterator[list[int]]:
    """Yield as many together as SMQ takes: 16 messages, 64 KiB."""
    batch: list[int] = []
    size = 0
    for number in numbers:
        weight = len(base64.b64encode(outgoing.body(number).encode()))
        if len(batch) == BATCH or (batch and size + weight > LARGEST_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += weight
    if batch:
        yield batch


def write_report(path: Path, outgoing: Outgoing, ledger: Ledger) -> None:
    """Write a row for each request, in order, as CSV; one without an outcome has no status. Raises: CliError."""
    try:
        # With a byte order mark, without which Excel takes Chinese for something else.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(_rows(outgoing, ledger))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None


def _rows(outgoing: Outgoing, ledger: Ledger) -> Iterator[Mapping[str, str]]:
    for number, (status, outcome) in enumerate(ledger.results()):
        why = remark(outcome) if outcome else ""
        row = {**json.loads(outgoing.body(number)), "Status": status or "", "Why": why}
        cells = {name: visible(str(row.get(name, ""))) for name in COLUMNS}
        yield {name: f"'{cell}" if cell.startswith(FORMULA) else cell for name, cell in cells.items()}
