"""CSV manifests as spreadsheets save them: comma, semicolon or TAB, `sep=`, blank rows and columns, blanks around cells."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from cli.manifests.documents import Document, DocumentError, Row
from cli.manifests.headings import Heading, field_of

DELIMITERS = (",", ";", "\t", "|")


def read(text: str) -> list[Document]:
    """Read a table whose delimiter its heading tells. Raises: DocumentError."""
    hint, _, rest = text.partition("\n")
    if hint.strip().lower().startswith("sep=") and len(hint.strip()) == len("sep=;"):
        return _read(rest, hint.strip()[-1], skipped=1)
    return _read(text, delimiter_of(text) or ",")


def read_tabs(text: str) -> list[Document]:
    """Read a table whose cells stand between TABs. Raises: DocumentError."""
    return _read(text, "\t")


def delimiter_of(text: str) -> str | None:
    """Return the delimiter by which the first row that is not blank names the most fields; None where it names none."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    counts = {
        delimiter: sum(field_of(cell.strip().strip('"')) is not None for cell in first.split(delimiter))
        for delimiter in DELIMITERS
        if delimiter in first
    }
    best = max(counts, key=lambda delimiter: counts[delimiter], default=None)
    return best if best and counts[best] else None


def _read(text: str, delimiter: str, skipped: int = 0) -> list[Document]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [Document(requests=tuple(_rows(_numbered(reader, skipped))))]
    except csv.Error as error:
        raise DocumentError(reader.line_num + skipped, f"is not CSV: {error}") from None


def _numbered(reader: Any, skipped: int) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401 - csv's reader
    line = 1
    for cells in reader:
        yield line + skipped, cells
        line = reader.line_num + 1


def _rows(numbered: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    heading: Heading | None = None
    for line, cells in numbered:
        if not any(cell.strip() for cell in cells):
            continue
        if heading is None:
            heading = Heading.read(cells, line)
        else:
            yield Row(line, heading.request(cells, line))
