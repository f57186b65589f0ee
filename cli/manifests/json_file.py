"""JSON and JSON Lines manifests: a row's place in JSON is its path, as `modules[3]`, and in JSON Lines its line."""

import json
from typing import Any, NoReturn

from cli.manifests.documents import Document, Fault, Place, Row, Unreadable, document_of, is_grid


def read(text: str, file: str) -> list[Document]:
    """Read a JSON file: a manifest, an array of requests, or a single one. Raises: Unreadable."""
    value = _parse(text, file)
    if isinstance(value, dict) and is_grid(value):
        return [document_of({name: (Place(file, 1, name), _rows(part, file, name)) for name, part in value.items()})]
    return [Document({"requests": _rows(value, file)})]


def _rows(value: Any, file: str, name: str = "") -> list[Row]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list) or name == "defaults":
        return [Row(Place(file, 1, name), value)]
    return [Row(Place(file, 1, f"{name}[{number}]"), element) for number, element in enumerate(value)]


def read_lines(text: str, file: str) -> list[Document]:
    """Read a request from every line that is not blank; one that is no JSON is a fault of its own."""
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            rows += [Row(Place(file, number), _parse(line, file, number))] if line.strip() else []
        except Unreadable as error:
            faults.append(error.fault)
    return [Document({"requests": rows}, faults)]


def _parse(text: str, file: str, line: int = 1) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = Place(file, line + error.lineno - 1)
        raise Unreadable(place, f"is not JSON: {error.msg} at column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        raise Unreadable(Place(file, line), f"is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"names {name!r} twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")
