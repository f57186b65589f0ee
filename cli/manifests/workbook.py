"""Spreadsheets: a sheet is a table; what is a number there is text where it can only be meant so."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.manifests.documents import Document, DocumentError, Row
from cli.manifests.headings import Heading

LARGEST_NUMBER = 10**15
"""From here on a spreadsheet keeps no longer every digit."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Problem = tuple[int, str]
"""A row, and what is wrong in it."""


def read(raw: bytes, sheet: str | None = None) -> list[Document]:
    """Read one sheet, the first where none is named. Raises: DocumentError: no workbook, or no such sheet."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise DocumentError(1, f"has no sheet {sheet!r}; there are {', '.join(names)}")
        name = sheet or names[0]
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
        raise DocumentError(1, f"is not a workbook: {error}") from None
    problems: list[Problem] = []
    requests = tuple(_requests(rows, dict(_lost(raw, name)), problems))
    return [Document(requests=requests, problems=tuple(problems))]


def _requests(rows: Sequence[Sequence[Any]], lost: Mapping[str, str], problems: list[Problem]) -> Iterator[Row]:
    heading: Heading | None = None
    for line, values in enumerate(rows, 1):
        places = [f"{_column(column)}{line}" for column in range(len(values))]
        wrong = [lost.get(place) or _flaw(value) for place, value in zip(places, values, strict=True)]
        faults = [(line, f"cell {place} {flaw}") for place, flaw in zip(places, wrong, strict=True) if flaw]
        problems += faults
        if faults or not any(str(value).strip() for value in values):
            continue
        cells = [_text(value) for value in values]
        if heading is None:
            heading = Heading.read(cells, line)
        else:
            yield Row(line, heading.request(cells, line))


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(int(value))  # type: ignore[call-overload]


def _flaw(value: object) -> str | None:
    """Return what is wrong with a cell; None for text, and for a number that can only be meant as its digits."""
    if isinstance(value, str):
        return None
    number = float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None
    if number is not None and number.is_integer() and abs(number) < LARGEST_NUMBER:
        return None
    kind = "a boolean" if isinstance(value, bool) else f"a {type(value).__name__}" if number is None else "a number"
    return f"is {kind} ({value}), not text: format the cell as text and type it again"


def _lost(raw: bytes, name: str) -> Iterator[tuple[str, str]]:
    """Yield the cells that are read as empty and are not: errors, and formulas whose value was never worked out."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            book = etree.fromstring(parts.read("xl/workbook.xml"), parser)
            links = etree.fromstring(parts.read("xl/_rels/workbook.xml.rels"), parser)
            wanted = next(each.get(_ID) for each in book.iter(f"{_MAIN}sheet") if each.get("name") == name)
            target = next(str(each.get("Target")) for each in links if each.get("Id") == wanted)
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            sheet = etree.fromstring(parts.read(path), parser)
    except (zipfile.BadZipFile, KeyError, StopIteration, etree.XMLSyntaxError):
        return  # an older format, which has no such parts
    for cell in sheet.iter(f"{_MAIN}c"):
        value = cell.findtext(f"{_MAIN}v")
        if cell.get("t") == "e":
            yield str(cell.get("r")), f"is an error ({value})"
        elif cell.find(f"{_MAIN}f") is not None and not value and cell.get("t") != "str":
            yield str(cell.get("r")), "is a formula without a saved value: open the workbook, and save it"


def _column(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
