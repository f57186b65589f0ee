"""YAML manifests: each row with its line, and with what the file says where YAML made something else of it."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from cli.manifests.documents import Document, Place, Row, Unreadable, document_of, is_grid
from handler.problems import show_value

MOST_VALUES = 10_000_000
"""Values of one document. Aliases of aliases stand for as many in three hundred bytes."""
_TAG = "tag:yaml.org,2002:"
_KINDS = {f"{_TAG}timestamp": "a date", f"{_TAG}int": "a number"}
"""What YAML takes plain text for, and Python may be unable to hold."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # PyYAML's loaders and nodes are untyped
    """Constructs what can be a manifest; says the line of what cannot."""

    file = ""

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: ANN401
        try:
            return super().construct_object(node, deep)
        except (AttributeError, KeyError, ValueError) as error:  # a date that cannot be, or `!!bool foo`
            source = show_value(node.value)
            reason = f"is read as {_KINDS.get(node.tag, node.tag)}, which cannot be ({str(error).partition(';')[0]})"
            raise Unreadable(self.place_of(node), f"{source} {reason}: write it in quotes") from None

    def construct_manifest_mapping(self, node: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return a mapping. Raises: Unreadable: two keys are equal, of which YAML takes the last."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable(self.place_of(key), "has a key that is not text")
            if key.value in seen:
                raise Unreadable(self.place_of(key), f"names {key.value!r} twice")
            seen.add(key.value)
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def place_of(self, node: Any) -> Place:  # noqa: ANN401
        return Place(self.file, node.start_mark.line + 1)

    def rows(self, node: Any, name: str = "") -> list[Row]:  # noqa: ANN401
        nodes = node.value if isinstance(node, yaml.SequenceNode) and name != "defaults" else [node]
        return [Row(self.place_of(each), self.construct_object(each, deep=True), _sources(each)) for each in nodes]

    def documents(self) -> Iterator[Document]:
        while self.check_node():
            root = self.get_node()
            if _count(root, {}) > MOST_VALUES:
                raise Unreadable(self.place_of(root), f"its aliases stand for more than {MOST_VALUES:,} values")
            value = self.construct_object(root, deep=True)
            if isinstance(value, dict) and is_grid(value):
                parts = ((str(key.value), self.place_of(key), node) for key, node in root.value)
                yield document_of({name: (place, self.rows(node, name)) for name, place, node in parts})
            else:
                yield Document({} if value is None else {"requests": self.rows(root)})


_Loader.add_constructor(f"{_TAG}map", _Loader.construct_manifest_mapping)
# A lone `=` has a meaning that nobody uses.
_Loader.add_constructor(f"{_TAG}value", yaml.SafeLoader.construct_scalar)


def read(text: str, file: str) -> list[Document]:
    """Read every document of a file; an empty one holds nothing. Raises: Unreadable."""
    loader = _Loader(text)
    loader.file = file
    try:
        return list(loader.documents())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(Place(file, mark.line + 1 if mark else 1), f"is not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(Place(file, 1), f"is not YAML: {error}") from None
    finally:
        loader.dispose()


def _count(node: Any, known: dict[Any, int]) -> int:  # noqa: ANN401
    """Return how many values a node is, with all that its aliases stand for."""
    if node not in known:
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        known[node] = 1 + sum(_count(part[-1] if isinstance(part, tuple) else part, known) for part in parts)
    return known[node]


def _sources(node: Any) -> Mapping[str, str]:  # noqa: ANN401
    """Return the plain texts that YAML took for numbers, booleans, dates or nothing, by field; the node's own under ''."""
    pairs = [(str(key.value), value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []
    return {
        name: str(each.value)
        for name, each in [*pairs, ("", node)]
        if isinstance(each, yaml.ScalarNode) and each.tag not in (f"{_TAG}str", f"{_TAG}value")
    }
