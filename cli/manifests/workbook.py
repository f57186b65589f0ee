"""Spreadsheets: a sheet is a table; what is a number there is text where it can only be meant so."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.manifests.documents import Document, Fault, Place, Unreadable
from cli.manifests.table import requests_of

LARGEST_NUMBER = 10**15
"""From here on a spreadsheet no longer keeps every digit."""
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read(raw: bytes, file: str, sheet: str | None = None) -> list[Document]:
    """Read one sheet, the first where none is named. Raises: Unreadable: no workbook, or no such sheet."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise Unreadable(Place(file, 1), f"has no sheet {sheet!r}; there are {', '.join(names)}")
        name = sheet or names[0]
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
        raise Unreadable(Place(file, 1), f"is not a workbook: {error}") from None
    problems: list[Fault] = []
    requests = tuple(requests_of(_texts(rows, file, dict(_lost(raw, name)), problems)))
    return [Document({"requests": requests}, problems)]


def _texts(
    rows: Sequence[Sequence[Any]], file: str, lost: Mapping[str, str], problems: list[Fault]
) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the rows whose cells are all text, or can only be meant so; what is wrong with others goes to `problems`."""
    for line, values in enumerate(rows, 1):
        place = Place(file, line)
        cells = [(f"{_column(number)}{line}", value) for number, value in enumerate(values, 1)]
        flaws = [(cell, lost.get(cell) or _flaw(value)) for cell, value in cells]
        faults = [Fault(place, "", f"cell {cell} {flaw}") for cell, flaw in flaws if flaw]
        problems += faults
        if not faults:
            yield place, [value if isinstance(value, str) else str(int(value)) for value in values]


def _flaw(value: object) -> str | None:
    """Return what is wrong with a cell; None for text, and for a number that can only be meant as its digits."""
    number = float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None
    if isinstance(value, str) or (number is not None and number.is_integer() and abs(number) < LARGEST_NUMBER):
        return None
    kind = "boolean" if isinstance(value, bool) else type(value).__name__ if number is None else "number"
    return f"is a {kind} ({value}), not text: format the cell as text and type it again"


def _lost(raw: bytes, name: str) -> Iterator[tuple[str, str]]:
    """Yield the cells that calamine reads as empty though they are not: errors, and formulas without a saved value."""
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
    """Return a column's letters, `A` for 1, `AA` for 27."""
    return _column((number - 1) // 26) + chr(ord("A") + (number - 1) % 26) if number else ""
