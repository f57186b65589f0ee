"""CSV manifests: the first line names the fields, every other one is a request."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from cli.manifests.documents import Document, DocumentError, Row


def read(text: str) -> Document:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return Document(requests=tuple(_records(reader)))
    except csv.Error as error:
        raise DocumentError(reader.line_num, f"is not CSV: {error}") from None


def _records(reader: Any) -> Iterator[Row]:  # noqa: ANN401 - csv's reader
    heading = [name.strip() for name in next(reader, [])]
    if len(set(heading)) < len(heading):
        raise DocumentError(1, "names a column twice")
    line = reader.line_num + 1
    for cells in reader:
        if any(cells):
            if len(cells) > len(heading):
                raise DocumentError(line, f"has {len(cells)} cells, but there are {len(heading)} columns")
            # An empty cell is a field left out: CSV cannot tell one from the other.
            yield Row(line, {name: cell for name, cell in zip(heading, cells, strict=False) if cell})
        line = reader.line_num + 1
