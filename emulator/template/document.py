"""Reads a Serverless Devs file from disk: its YAML, the file that it extends, and the line of every key."""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from emulator.template.variables import Document, TemplateError, Value

Key = str | int


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Five times as fast where PyYAML came with libyaml, as it does on every usual machine."""


class _Part(NamedTuple):
    path: Path
    node: yaml.Node
    content: Document


class TemplateFile:
    """A file merged over the one that it extends."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises: TemplateError: names the line and what is wrong in it."""
        self.path = path
        self._parts = list(_read_parts(path, ()))
        """The file itself, and then those that it extends."""
        self.content: Document = {}
        for part in reversed(self._parts):
            self.content = _merge(self.content, part.content)
        for name in ("vars", "resources"):
            if self.content.get(name) is not None and not isinstance(self.content[name], Mapping):
                raise TemplateError(f"{self.place(name)}: must be a mapping of names")

    def place(self, *keys: Key) -> str:
        """Return `template.yml:12: resources.queue.props.timeout`: the line of a key, or of the nearest one around it."""
        located = [(*_locate(part.node, keys), part.path) for part in self._parts]
        _, line, path = max(located, key=lambda place: place[0])
        return f"{path.name}:{line}: {'.'.join(map(str, keys))}"


def _read_parts(path: Path, extended: tuple[Path, ...]) -> Iterator[_Part]:
    part = _load(path)
    yield part
    base = part.content.get("extend")
    if base is None:
        return
    if not isinstance(base, str):
        raise TemplateError(f"{path.name}: extend: must be the name of a file (it is {base!r})")
    target = (path.parent / base).resolve()
    if target in (*extended, path.resolve()):
        raise TemplateError(f"{path.name}: extend: {base} leads back to this file")
    yield from _read_parts(target, (*extended, path.resolve()))


def _load(path: Path) -> _Part:
    try:
        text = path.read_text(encoding="utf-8-sig")
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            _refuse_double_keys(node, set())
        # Constructing puts merged keys into a node: what looks up lines keeps the node as it was written.
        document = loader.construct_document(copy.deepcopy(node)) if node is not None else None
    except UnicodeDecodeError:
        raise TemplateError(f"{path.name}: is not UTF-8") from None
    except OSError as error:
        raise TemplateError(f"{path}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TemplateError(f"{path.name}:{line}: is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TemplateError(f"{path.name}: is not YAML: {str(error).splitlines()[0]}") from None
    if node is None:
        raise TemplateError(f"{path.name}:1: the file is empty")
    if not isinstance(document, Mapping):
        raise TemplateError(f"{path.name}:1: must be a mapping with the keys edition, name, vars and resources")
    return _Part(path, node, document)


def _refuse_double_keys(node: yaml.Node, seen: set[int]) -> None:
    """Refuse a key that a mapping has twice: which of the two is meant cannot be known."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))  # an alias may lead back to the node that contains it
    names: set[str] = set()
    for item in node.value:
        key, value = item if isinstance(node, yaml.MappingNode) else (None, item)
        if isinstance(key, yaml.ScalarNode):
            if key.value in names:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
            names.add(key.value)
        _refuse_double_keys(value, seen)


def _merge(base: Value, change: Value) -> Value:
    """Merge a document over another: mappings key by key, all else as a whole, as the tool does."""
    if not (isinstance(base, Mapping) and isinstance(change, Mapping)):
        return change
    return {**base, **{key: _merge(base[key], value) if key in base else value for key, value in change.items()}}


def _locate(node: yaml.Node, keys: tuple[Key, ...]) -> tuple[int, int]:
    """Return how many of the keys are found, and the line of the last of them; one that is not there is passed over."""
    line, depth = node.start_mark.line + 1, 0
    for key in keys:
        inner = _find_inner(node, key)
        if inner is not None:
            (line, node), depth = inner, depth + 1
    return depth, line


def _find_inner(node: yaml.Node, key: Key) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    if isinstance(node, yaml.MappingNode):
        return next(((name.start_mark.line + 1, value) for name, value in node.value if name.value == str(key)), None)
    return None
