"""The outcomes of a run as a table for colleagues."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.errors import CliError
from cli.sending.ledger import Ledger
from cli.sending.outgoing import Outgoing
from cli.terminal.screen import remark, visible

COLUMNS = ("Id", "ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId", "Status", "Why")
FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would work out."""


def write(path: Path, outgoing: Outgoing, ledger: Ledger) -> None:
    """Write a row for each request, in order; one without an outcome has no status. Raises: CliError."""
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
        request = json.loads(outgoing.body(number))
        why = remark(json.loads(outcome)) if outcome else ""
        row = {**request, "Status": status or "", "Why": why}
        yield {name: _cell(str(row.get(name, ""))) for name in COLUMNS}


def _cell(text: str) -> str:
    return f"'{visible(text)}" if text.startswith(FORMULA) else visible(text)
