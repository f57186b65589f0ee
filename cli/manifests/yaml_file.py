"""YAML manifests: each row with its line, and with what the file says where YAML made something else of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from cli.manifests.documents import Document, Row, document_of, is_grid
from cli.manifests.faults import Place, Unreadable
from handler.problems import shown

_TAG = "tag:yaml.org,2002:"
_KINDS = {f"{_TAG}timestamp": "a date", f"{_TAG}int": "a number"}
"""What YAML takes plain text for, and Python may be unable to hold."""


def read(text: str, file: str) -> list[Document]:
    """Read every document of a file; an empty one holds nothing. Raises: Unreadable."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        return list(_Reader(loader, file).documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(Place(file, mark.line + 1 if mark else 1), f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(Place(file, 1), f"is not YAML: {error}") from None
    finally:
        loader.dispose()


class _Reader:
    def __init__(self, loader: Any, file: str) -> None:  # noqa: ANN401 - PyYAML's loaders and nodes are untyped
        self._loader = loader
        self._file = file
        self._values: dict[Any, Any] = {}
        """By node: what many aliases name is constructed once."""

    def documents(self) -> Iterator[Document]:
        while self._loader.check_node():
            root = self._loader.get_node()
            value = self._value(root)
            if isinstance(value, dict) and is_grid(value):
                keys = {str(key.value): (self._place(key), node) for key, node in root.value}
                yield document_of({name: (place, self._rows(node, name)) for name, (place, node) in keys.items()})
            else:
                yield Document() if value is None else Document(requests=tuple(self._rows(root)))

    def _place(self, node: Any) -> Place:  # noqa: ANN401
        return Place(self._file, node.start_mark.line + 1)

    def _rows(self, node: Any, name: str = "") -> list[Row]:  # noqa: ANN401
        nodes = node.value if isinstance(node, yaml.SequenceNode) and name != "defaults" else [node]
        return [Row(self._place(each), self._value(each), _sources(each)) for each in nodes]

    def _value(self, node: Any) -> Any:  # noqa: ANN401
        if node not in self._values:
            makers: dict[str, Callable[[Any], Any]] = {f"{_TAG}map": self._mapping, f"{_TAG}seq": self._sequence}
            self._values[node] = makers.get(node.tag, self._scalar)(node)
        return self._values[node]

    def _sequence(self, node: Any) -> list[Any]:  # noqa: ANN401
        return [self._value(each) for each in node.value]

    def _mapping(self, node: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return a mapping. Raises: Unreadable: two keys are equal, of which YAML takes the last."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable(self._place(key), "has a key that is not text")
            if key.value in seen:
                raise Unreadable(self._place(key), f"names {key.value!r} twice")
            seen.add(key.value)
        self._loader.flatten_mapping(node)
        return {key.value: self._value(value) for key, value in node.value}

    def _scalar(self, node: Any) -> Any:  # noqa: ANN401
        if node.tag == f"{_TAG}value":  # a lone `=`, which has a meaning that nobody uses
            return node.value
        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # a date that cannot be, or a number of too many digits
            source = shown(node.value)
            reason = f"is read as {_KINDS[node.tag]}, which cannot be ({str(error).partition(';')[0]})"
            raise Unreadable(self._place(node), f"{source} {reason}: write it in quotes") from None


def _sources(node: Any) -> Mapping[str, str]:  # noqa: ANN401
    """Return the plain texts that YAML took for numbers, booleans, dates or nothing, by field; the node's own under ''."""
    pairs = [(str(key.value), value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []
    return {
        name: str(each.value)
        for name, each in [*pairs, ("", node)]
        if isinstance(each, yaml.ScalarNode) and each.tag not in (f"{_TAG}str", f"{_TAG}value")
    }
