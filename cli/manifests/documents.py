"""Manifest files as rows that know their line: YAML, JSON, JSON Lines and CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, NoReturn

import yaml

Format = Literal["yaml", "json", "jsonl", "csv"]
PARTS = ("defaults", "products", "modules", "overrides", "requests")
"""What a manifest that is an object may hold."""
ENDINGS: Mapping[str, Format] = {
    "yaml": "yaml", "yml": "yaml", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A value, and the line it begins on, counted from 1."""

    line: int
    value: Any


@dataclass(frozen=True)
class Document:
    """A manifest file as it stands: every module for every product, plain requests, or both."""

    defaults: tuple[Row, ...] = ()
    products: tuple[Row, ...] = ()
    modules: tuple[Row, ...] = ()
    overrides: tuple[Row, ...] = ()
    requests: tuple[Row, ...] = ()


class DocumentError(Exception):
    """A file that cannot be read as its format says."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


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


def _document(parts: Mapping[str, Row]) -> Document:
    """Of the parts of an object; each part's rows, or the one that it is."""
    unknown = next((name for name in parts if name not in PARTS), None)
    if unknown is not None:
        raise DocumentError(parts[unknown].line, f"{unknown} is none of {', '.join(PARTS)}")
    return Document(**{name: tuple(row.value) if name != "defaults" else (row,) for name, row in parts.items()})


def _is_grid(names: Iterator[str]) -> bool:
    """Whether an object is a manifest of parts; else it is a single request."""
    return any(name in PARTS for name in names)


# YAML


def _yaml(text: str) -> Document:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document()
        _check_keys(root)
        return _yaml_document(root, loader.construct_document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(1, f"is not YAML: {error}") from None
    finally:
        loader.dispose()


def _yaml_document(root: Any, value: Callable[[Any], Any]) -> Document:  # noqa: ANN401 - a YAML node
    def row(node: Any) -> Row:  # noqa: ANN401 - a YAML node
        return Row(node.start_mark.line + 1, value(node))

    def rows(node: Any) -> list[Row]:  # noqa: ANN401 - a YAML node
        return [row(one) for one in node.value] if isinstance(node, yaml.SequenceNode) else [row(node)]

    if isinstance(root, yaml.MappingNode) and _is_grid(str(key.value) for key, _ in root.value):
        members = {str(key.value): (key, node) for key, node in root.value}
        return _document({
            name: row(node) if name == "defaults" else Row(key.start_mark.line + 1, rows(node))
            for name, (key, node) in members.items()
        })  # fmt: skip
    return Document(requests=tuple(rows(root)))


def _check_keys(node: Any) -> None:  # noqa: ANN401 - a YAML node
    """YAML lets the last of two equal keys win: which of them was meant, nobody knows."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise DocumentError(key.start_mark.line + 1, f"names {key.value!r} twice")
            seen.add(str(key.value))
            _check_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _check_keys(one)


# JSON


def _json(text: str) -> Document:
    _parsed(text)
    walk = _Walk(text)
    if walk.next() != "{":
        return Document(requests=tuple(walk.rows()))
    members = walk.members()
    if not _is_grid(iter(members)):
        return Document(requests=(walk.row_at(0),))
    return _document({
        name: walk.row_at(position) if name == "defaults" else Row(walk.line(position), walk.rows_at(position))
        for name, position in members.items()
    })  # fmt: skip


def _parsed(text: str, line: int = 1) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(line + error.lineno - 1, f"is not JSON: {error.msg} at column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        raise DocumentError(line, f"is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"names {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


class _Walk:
    """Where the values of a JSON text begin, for its two outer levels. The text must be valid."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._decoder = json.JSONDecoder()
        self._counted = (0, 1)

    def next(self) -> str:
        """The next character that is no white space; it stays where it is."""
        while self._text[self._at] in " \t\r\n":
            self._at += 1
        return self._text[self._at]

    def line(self, position: int) -> int:
        """Counted from the last position asked for, so that a large file is read once."""
        start, line = self._counted if position >= self._counted[0] else (0, 1)
        self._counted = (position, line + self._text.count("\n", start, position))
        return self._counted[1]

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        self.next()
        found, self._at = self._decoder.raw_decode(self._text, self._at)
        return found

    def row_at(self, position: int) -> Row:
        self._at = position
        self.next()
        line = self.line(self._at)
        return Row(line, self.value())

    def rows_at(self, position: int) -> list[Row]:
        self._at = position
        return self.rows()

    def rows(self) -> list[Row]:
        """An array's elements; anything else as it is."""
        if self.next() != "[":
            return [self.row_at(self._at)]
        self._at += 1
        found = []
        while self.next() != "]":
            found.append(self.row_at(self._at))
            self._comma()
        return found

    def members(self) -> dict[str, int]:
        """Where the values of an object's members begin."""
        self._at += 1
        found = {}
        while self.next() != "}":
            name = self.value()
            self.next()
            self._at += 1  # the colon
            self.next()
            found[name] = self._at
            self.value()
            self._comma()
        return found

    def _comma(self) -> None:
        if self.next() == ",":
            self._at += 1


def _json_lines(text: str) -> Document:
    lines = enumerate(text.split("\n"), 1)
    return Document(requests=tuple(Row(number, _parsed(line, number)) for number, line in lines if line.strip()))


# CSV


def _csv(text: str) -> Document:
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


_READERS: Mapping[Format, Callable[[str], Document]] = {
    "yaml": _yaml, "json": _json, "jsonl": _json_lines, "csv": _csv,
}  # fmt: skip
