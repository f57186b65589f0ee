"""The formats of manifest files, and how one is recognised."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Literal

from cli.manifests import csv_file, json_file, workbook, yaml_file
from cli.manifests.documents import Document

Format = Literal["yaml", "json", "jsonl", "csv", "tsv", "xlsx"]
ENDINGS: Mapping[str, Format] = {
    "yaml": "yaml",
    "yml": "yaml",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "xls": "xlsx",
    "ods": "xlsx",
}
_READERS: Mapping[Format, Callable[[str], list[Document]]] = {
    "yaml": yaml_file.read,
    "json": json_file.read,
    "jsonl": json_file.read_lines,
    "csv": csv_file.read,
    "tsv": csv_file.read_tabs,
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How workbooks begin: the new ones are ZIP files, the old ones are containers of their own."""


def read(text: str, form: Format) -> list[Document]:
    """Read a text of any format but a workbook's. Raises: DocumentError."""
    return _READERS[form](text.removeprefix("\ufeff"))


def read_workbook(raw: bytes, sheet: str | None) -> list[Document]:
    """Read a workbook. Raises: DocumentError."""
    return workbook.read(raw, sheet)


def is_workbook(raw: bytes) -> bool:
    """Tell a workbook by its first bytes, whatever it is called."""
    return raw.startswith(_WORKBOOKS)


def format_of(name: str, text: str) -> Format:
    """Tell a text's format: by the file's ending, else by what it looks like; JSON Lines are told under any name."""
    form = ENDINGS.get(PurePath(name).suffix.lower().lstrip("."))
    start = text.lstrip("\ufeff \t\r\n")
    if form in (None, "json", "yaml") and start.startswith("{"):
        return "jsonl" if _is_lines(start) else (form or "json")
    if form is not None and form != "xlsx":
        return form
    if start.startswith("["):
        return "json"
    delimiter = csv_file.delimiter_of(text)
    table = start.lower().startswith("sep=") or (delimiter and ": " not in start.partition("\n")[0])
    return "csv" if table else "yaml"


def _is_lines(text: str) -> bool:
    """More than one line, each an object of its own."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and all(line.strip().startswith("{") and line.strip().endswith("}") for line in lines[:2])
