"""The formats of manifest files, and how one is recognised."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Literal

from cli.manifests import csv_file, json_file, yaml_file
from cli.manifests.documents import Document

Format = Literal["yaml", "json", "jsonl", "csv"]
ENDINGS: Mapping[str, Format] = {
    "yaml": "yaml", "yml": "yaml", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv",
}  # fmt: skip
_READERS: Mapping[Format, Callable[[str], Document]] = {
    "yaml": yaml_file.read, "json": json_file.read, "jsonl": json_file.read_lines, "csv": csv_file.read,
}  # fmt: skip


def read(text: str, form: Format) -> Document:
    """Raises: DocumentError."""
    return _READERS[form](text.removeprefix("\ufeff"))


def format_of(name: str, text: str) -> Format:
    """By the file's ending, else by what the text looks like."""
    ending = PurePath(name).suffix.lower().lstrip(".")
    if ending in ENDINGS:
        return ENDINGS[ending]
    start = text.lstrip("\ufeff \t\r\n")
    first, _, rest = start.partition("\n")
    if start.startswith("{"):
        return "jsonl" if first.rstrip().endswith("}") and rest.lstrip().startswith("{") else "json"
    if start.startswith("["):
        return "json"
    return "csv" if "ModuleName" in first and "," in first and ":" not in first else "yaml"
