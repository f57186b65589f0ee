"""Files that commands read and write; an error names the file."""

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from cli.errors import CliError, UsageError

LARGEST = 64 * 1024 * 1024
STANDARD_INPUT = "-"


def read(name: str, most: int = LARGEST) -> bytes:
    """Return a file's bytes; `-` is standard input. Raises: UsageError: it cannot be read, or holds more than `most` bytes."""
    if name == STANDARD_INPUT and sys.stdin is None:
        raise UsageError(f"{name}: standard input is closed")
    try:
        with nullcontext(sys.stdin.buffer) if name == STANDARD_INPUT else Path(name).open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from None
    if len(raw) > most:
        raise UsageError(f"{name}: larger than {most} bytes")
    return raw


def write(path: Path, text: str) -> None:
    """Write a text file in UTF-8. Raises: CliError."""
    try:
        path.write_bytes(text.encode())
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None


def json_lines(values: Iterable[object]) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return CSV with a byte order mark, without which Excel takes Chinese for something else."""
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return "\ufeff" + text.getvalue()
