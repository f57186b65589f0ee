"""JSON and JSON Lines manifests: a row's place in JSON is its path, as `modules[3]`, and in JSON Lines its line."""

import json
from typing import Any, NoReturn

from cli.manifests.documents import Document, DocumentError, Row, document_of, is_grid


def read(text: str) -> list[Document]:
    """Read a JSON file: a manifest, an array of requests, or a single one. Raises: DocumentError."""
    value = _parsed(text)
    if not isinstance(value, dict):
        return [Document(requests=tuple(_rows("", value)))]
    if not is_grid(value):
        return [Document(requests=(Row(1, value),))]
    return [
        document_of(
            {
                name: Row(1, part, name) if name == "defaults" else Row(1, _rows(name, part), name)
                for name, part in value.items()
            }
        )
    ]


def _rows(name: str, value: Any) -> list[Row]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list):
        return [Row(1, value, name)]
    return [Row(1, element, f"{name}[{number}]") for number, element in enumerate(value)]


def read_lines(text: str) -> list[Document]:
    """Read a request from every line that is not blank. Raises: DocumentError."""
    lines = enumerate(text.split("\n"), 1)
    return [Document(requests=tuple(Row(number, _parsed(line, number)) for number, line in lines if line.strip()))]


def _parsed(text: str, line: int = 1) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(line + error.lineno - 1, f"is not JSON: {error.msg} at column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        raise DocumentError(line, f"is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"names {next(name for name in names if names.count(name) > 1)!r} twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
