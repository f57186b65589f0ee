"""YAML manifests: each row with its line, and with what the file says where YAML made something else of it."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from cli.manifests.documents import Document, DocumentError, Row, document_of, is_grid

_TEXT = "tag:yaml.org,2002:str"
_VALUE = "tag:yaml.org,2002:value"
_KINDS = {"tag:yaml.org,2002:timestamp": "a date", "tag:yaml.org,2002:int": "a number"}
"""What YAML takes plain text for, and Python may be unable to hold."""
_SHOWN = 40
"""Characters of such a text that are shown."""


def read(text: str) -> list[Document]:
    """Read every document of a file; an empty one holds nothing. Raises: DocumentError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        return [_document(node, loader) for node in _nodes(loader)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(1, f"is not YAML: {error}") from None
    finally:
        loader.dispose()


def _nodes(loader: Any) -> Iterator[Any]:  # noqa: ANN401 - PyYAML's loaders and nodes are untyped
    while loader.check_node():
        node = loader.get_node()
        _check_keys(node)
        yield node


def _document(root: Any, loader: Any) -> Document:  # noqa: ANN401
    if root.tag == "tag:yaml.org,2002:null":
        return Document()
    if isinstance(root, yaml.MappingNode) and is_grid(str(key.value) for key, _ in root.value):
        parts = {str(key.value): (key, node) for key, node in root.value}
        return document_of(
            {
                name: _row(node, loader) if name == "defaults" else Row(key.start_mark.line + 1, _rows(node, loader))
                for name, (key, node) in parts.items()
            }
        )
    return Document(requests=tuple(_rows(root, loader)))


def _rows(node: Any, loader: Any) -> list[Row]:  # noqa: ANN401
    return [_row(one, loader) for one in node.value] if isinstance(node, yaml.SequenceNode) else [_row(node, loader)]


def _row(node: Any, loader: Any) -> Row:  # noqa: ANN401
    line = node.start_mark.line + 1
    for one in _scalars(node):
        if one.tag == _VALUE:  # a lone `=`, which has a meaning that nobody uses
            one.tag = _TEXT
    try:
        return Row(line, loader.construct_document(node), sources=_sources(node))
    except ValueError as error:  # a date that cannot be, or a number of too many digits
        raise _unreadable(node, loader, error) from None


def _unreadable(node: Any, loader: Any, error: ValueError) -> DocumentError:  # noqa: ANN401
    for one in (one for one in _scalars(node) if one.tag in _KINDS):
        try:
            loader.yaml_constructors[one.tag](loader, one)
        except ValueError as reason:
            shown = one.value if len(one.value) <= _SHOWN else one.value[:_SHOWN] + "..."
            why = f"`{shown}` is read as {_KINDS[one.tag]}, which cannot be ({str(reason).partition(';')[0]}): write '{shown}'"
            return DocumentError(one.start_mark.line + 1, why)
    return DocumentError(node.start_mark.line + 1, str(error))


def _scalars(node: Any) -> Iterator[Any]:  # noqa: ANN401
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _scalars(value)


def _sources(node: Any) -> Mapping[str, str]:  # noqa: ANN401
    """What plain texts were, that YAML took for numbers, booleans, dates or nothing."""
    if isinstance(node, yaml.ScalarNode):
        return {} if node.tag == _TEXT else {"": str(node.value)}
    if not isinstance(node, yaml.MappingNode):
        return {}
    scalars = ((str(key.value), value) for key, value in node.value if isinstance(value, yaml.ScalarNode))
    return {name: str(value.value) for name, value in scalars if value.tag != _TEXT}


def _check_keys(node: Any) -> None:  # noqa: ANN401
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
