"""Spreadsheets: a sheet is a table; what is a number there is text where it can only be meant so."""

import io
from collections.abc import Sequence
from typing import Any

from cli.manifests.documents import Document, DocumentError, Row
from cli.manifests.headings import Heading

LARGEST_NUMBER = 10**15
"""From here on a spreadsheet keeps no longer every digit."""


def read(raw: bytes, sheet: str | None = None) -> list[Document]:
    """Read one sheet, the first where none is named. Raises: DocumentError: no such sheet, or a cell that is no text."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise DocumentError(1, f"has no sheet {sheet!r}; there are {', '.join(names)}")
        rows = book.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
        raise DocumentError(1, f"is not a workbook: {error}") from None
    return [Document(requests=tuple(_requests(rows)))]


def _requests(rows: Sequence[Sequence[Any]]) -> list[Row]:
    heading: Heading | None = None
    found: list[Row] = []
    for line, values in enumerate(rows, 1):
        if not any(str(value).strip() for value in values):
            continue
        cells = [_text(value, line, column) for column, value in enumerate(values)]
        if heading is None:
            heading = Heading.read(cells, line)
        else:
            found.append(Row(line, heading.request(cells, line)))
    return found


def _text(value: object, line: int, column: int) -> str:
    if isinstance(value, str):
        return value
    number = float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None
    if number is not None and number.is_integer() and abs(number) < LARGEST_NUMBER:
        return str(int(number))
    kind = f"a {type(value).__name__}" if number is None else "a number"
    raise DocumentError(
        line, f"cell {_column(column)}{line} is {kind} ({value}), not text: format the cell as text and type it again"
    )


def _column(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
