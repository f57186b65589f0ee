"""JSON and JSON Lines manifests, each row with its line."""

import json
from typing import Any, NoReturn

from cli.manifests.documents import Document, DocumentError, Row, document_of, is_grid


def read(text: str) -> Document:
    _parsed(text)
    walk = _Walk(text)
    if walk.next() != "{":
        return Document(requests=tuple(walk.rows()))
    members = walk.members()
    if not is_grid(iter(members)):
        return Document(requests=(walk.row_at(0),))
    return document_of({
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


def read_lines(text: str) -> Document:
    lines = enumerate(text.split("\n"), 1)
    return Document(requests=tuple(Row(number, _parsed(line, number)) for number, line in lines if line.strip()))
