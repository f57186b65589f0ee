"""The formats and encodings in which spreadsheets and editors save manifests, and how they are recognised."""

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Annotated, Literal

from typer import Option

from cli.errors import UsageError
from cli.manifests import json_file, table, workbook, yaml_file
from cli.manifests.documents import Document

Format = Literal["yaml", "json", "jsonl", "csv", "tsv", "xlsx"]
ENDINGS: Mapping[str, Format] = {
    "yaml": "yaml", "yml": "yaml", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv", "tsv": "tsv",
    "tab": "tsv", "xlsx": "xlsx", "xlsm": "xlsx", "xls": "xlsx", "ods": "xlsx",
}  # fmt: skip
_READERS: Mapping[Format, Callable[[str, str], list[Document]]] = {
    "yaml": yaml_file.read,
    "json": json_file.read,
    "jsonl": json_file.read_lines,
    "csv": table.read,
    "tsv": partial(table.read, delimiter="\t"),
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How workbooks begin: the new ones are ZIP files, the old ones are containers of their own."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
END_OF_FILE = "\x1a"
"""Ctrl-Z, with which DOS programs end a text."""
Note = Callable[[str], None]
"""Takes a line about what was guessed."""


@dataclass(frozen=True)
class Files:
    """How files are to be read, instead of what is detected."""

    encoding: Annotated[str | None, Option(help="Encoding of text files (default: UTF-8, UTF-16 or GB18030).")] = None
    sheet: Annotated[str | None, Option(help="Sheet of a workbook (default: the first).")] = None
    form: Annotated[Format | None, Option("--format", help="Input format (default: detected from the file).")] = None

    def read(self, raw: bytes, file: str, note: Note) -> list[Document]:
        """Read a file's documents. Raises: Unreadable; UsageError: it is no text."""
        if self.form == "xlsx" or (self.form is None and raw.startswith(_WORKBOOKS)):
            return workbook.read(raw, file, self.sheet)
        text, encoding = decode(file, raw, self.encoding)
        if self.encoding is None and encoding != "utf-8":
            note(f"{file} is read as {encoding.upper()} (--encoding names another)")
        return _READERS[self.form or format_of(file, text)](text, file)


def format_of(name: str, text: str) -> Format:
    """Detect a text's format: from the file's ending, else from its content; JSON Lines under any name."""
    form = ENDINGS.get(PurePath(name).suffix.lower().lstrip("."))
    start = text.lstrip()
    if form in (None, "json", "yaml") and start.startswith("{"):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        objects = [line for line in lines[:2] if line.startswith("{") and line.endswith("}")]
        return "jsonl" if len(objects) == 2 else (form or "json")
    if form is not None and form != "xlsx":
        return form
    if start.startswith("["):
        return "json"
    delimiter = table.delimiter_of(text)
    is_table = start.lower().startswith("sep=") or (delimiter and ": " not in start.partition("\n")[0])
    return "csv" if is_table else "yaml"


def decode(name: str, raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Return a file's text and its encoding: the one asked for, the mark's at its beginning, UTF-8, UTF-16 or GB18030.

    One or two characters in GB18030 can be valid UTF-8; more hardly ever are.
    Raises: UsageError: it is in none of them; or the encoding that was asked for does not exist or does not fit.
    """
    possible = [encoding] if encoding is not None else _guess(raw)
    for known in possible:
        try:
            return raw.decode(known).removeprefix("\ufeff").rstrip(END_OF_FILE), known
        except LookupError:
            raise UsageError(f"--encoding: there is no encoding {known!r}") from None
        except UnicodeError as error:
            line = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
    if len(possible) == 1:
        raise UsageError(f"{name}:{line}: is not {possible[0]}")
    raise UsageError(f"{name}: is in none of UTF-8, UTF-16 and GB18030; --encoding names another")


def _guess(raw: bytes) -> Sequence[str]:
    """Return the encodings to try, the likeliest first."""
    marked = [known for mark, known in _MARKS.items() if raw.startswith(mark)]
    head = raw[:4096]
    if marked or head.count(0) * 4 <= len(head):
        return marked[:1] or ("utf-8", "gb18030")
    # Every other byte of Latin text in UTF-16 is zero.
    return ("utf-16-le", "utf-16-be") if head[1::2].count(0) >= head[::2].count(0) else ("utf-16-be", "utf-16-le")
