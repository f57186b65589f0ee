"""Tables: CSV as spreadsheets save it, and what every table has, a heading with a field of a request for each column."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cli.manifests.documents import Document, Place, Row, Unreadable, suggestion
from handler.messages import ModuleRequest

FIELDS = tuple(ModuleRequest.model_fields)
ALIASES: Mapping[str, Sequence[str]] = {
    "ProductKey": ("产品", "产品key", "产品标识", "产品标识符"),
    "ModuleName": ("模块", "模块名", "模块名称"),
    "AliasName": ("别名", "模块别名", "名称", "alias"),
    "Desc": ("描述", "模块描述", "说明", "description"),
    "IotInstanceId": ("实例", "实例id", "instance"),
    "OnExisting": ("已存在时",),
    "Id": ("编号",),
}
"""What people call the columns besides the fields' own names; compared without case, blanks and underscores."""
DELIMITERS = (",", ";", "\t", "|")


def _folded(name: str) -> str:
    return "".join(name.casefold().split()).replace("_", "").replace("-", "")


_FIELD_OF = {_folded(name): field for field in FIELDS for name in (field, *ALIASES.get(field, ()))}


def read(text: str, file: str, delimiter: str = "") -> list[Document]:
    """Read CSV; its delimiter follows from a line `sep=;` or from its heading. Raises: Unreadable."""
    hint = re.match(r"sep=(.)\s*\n", text, re.IGNORECASE)
    delimiter = delimiter or (hint[1] if hint else delimiter_of(text)) or ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [Document({"requests": tuple(requests_of(_numbered(reader, file)))})]
    except csv.Error as error:
        raise Unreadable(Place(file, reader.line_num), f"is not CSV: {error}") from None


def delimiter_of(text: str) -> str | None:
    """Return the delimiter by which the first row that is not blank names the most fields; None where it names none."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def count(delimiter: str) -> int:
        return sum(_folded(cell.strip().strip('"')) in _FIELD_OF for cell in first.split(delimiter))

    best = max((each for each in DELIMITERS if each in first), key=count, default=None)
    return best if best and count(best) else None


def _numbered(reader: Any, file: str) -> Iterator[tuple[Place, list[str]]]:  # noqa: ANN401 - csv's reader
    line = 1
    for cells in reader:
        yield Place(file, line), cells
        line = reader.line_num + 1


def requests_of(rows: Iterable[tuple[Place, Sequence[str]]]) -> Iterator[Row]:
    """Yield a request for each row below the heading; blank rows and empty cells are left out. Raises: Unreadable."""
    fields: Sequence[str | None] | None = None
    for place, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells) or (fields is None and re.fullmatch("sep=.?", cells[0], re.IGNORECASE)):
            continue
        if fields is None:
            fields = _read_heading(cells, place)
            continue
        for number, cell in enumerate(cells):
            if cell and (number >= len(fields) or fields[number] is None):
                raise Unreadable(place, f"cell {number + 1} ({cell[:40]!r}) has no heading above it")
        yield Row(place, {field: cell for field, cell in zip(fields, cells, strict=False) if field and cell})


def _read_heading(names: Sequence[str], place: Place) -> Sequence[str | None]:
    """Return each column's field, None where it has no name. Raises: Unreadable: all that is wrong with it at once."""
    fields = [_FIELD_OF.get(_folded(name)) for name in names]
    known = [field for field in fields if field]
    problems = [
        f"the column {name!r} is not a field of a request{suggestion(name, FIELDS)}"
        for name, field in zip(names, fields, strict=True)
        if name and field is None
    ]
    problems += [f"the column {field} is there twice" for field in dict.fromkeys(known) if known.count(field) > 1]
    problems += [f"there is no column {field}" for field in ("ProductKey", "ModuleName") if field not in known]
    if problems:
        raise Unreadable(place, "; ".join(problems))
    return fields
