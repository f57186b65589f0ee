"""YAML manifests, each row with its line."""

from collections.abc import Callable
from typing import Any

import yaml

from cli.manifests.documents import Document, DocumentError, Row, document_of, is_grid


def read(text: str) -> Document:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document()
        _check_keys(root)
        return _document_of(root, loader.construct_document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(1, f"is not YAML: {error}") from None
    finally:
        loader.dispose()


def _document_of(root: Any, value: Callable[[Any], Any]) -> Document:  # noqa: ANN401 - a YAML node
    def row(node: Any) -> Row:  # noqa: ANN401 - a YAML node
        return Row(node.start_mark.line + 1, value(node))

    def rows(node: Any) -> list[Row]:  # noqa: ANN401 - a YAML node
        return [row(one) for one in node.value] if isinstance(node, yaml.SequenceNode) else [row(node)]

    if isinstance(root, yaml.MappingNode) and is_grid(str(key.value) for key, _ in root.value):
        members = {str(key.value): (key, node) for key, node in root.value}
        return document_of({
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
