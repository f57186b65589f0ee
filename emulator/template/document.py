"""A Serverless Devs file as it stands on disk: its YAML, the file that it extends, and the line of every key."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from emulator.template.variables import Document, TemplateError

Key = str | int


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Five times as fast where PyYAML came with libyaml, as it does on every usual machine."""


@dataclass(frozen=True)
class TemplateFile:
    """A file with what it extends put under it."""

    path: Path
    content: Document
    parts: tuple[tuple[Path, yaml.Node], ...]
    """The file itself, and then those that it extends."""

    def place(self, *keys: Key) -> str:
        """Return `template.yml:12: resources.queue.props.timeout`: the line of a key, or of the nearest one around it."""
        best, line, depth = self.path, 1, -1
        for path, node in self.parts:
            found, steps = _walk(node, keys)
            if steps > depth:
                best, line, depth = path, found, steps
        return f"{best.name}:{line}: {'.'.join(map(str, keys))}"


def read(path: Path) -> TemplateFile:
    """Read a file and what it extends, the nearer one first. Raises: TemplateError: says in which line what is wrong."""
    parts = list(_parts(path, ()))
    content: Document = {}
    for _, (_, document) in reversed(parts):
        content = _merged(content, document)
    for name in ("vars", "resources"):
        if content.get(name) is not None and not isinstance(content[name], Mapping):
            raise TemplateError(f"{TemplateFile(path, content, _nodes(parts)).place(name)}: must be a mapping of names")
    return TemplateFile(path, content, _nodes(parts))


_Part = tuple[Path, tuple[yaml.Node, Document]]


def _nodes(parts: list[_Part]) -> tuple[tuple[Path, yaml.Node], ...]:
    return tuple((path, node) for path, (node, _) in parts)


def _parts(path: Path, extended: tuple[Path, ...]) -> Iterator[_Part]:
    node, document = _load(path)
    yield path, (node, document)
    base = document.get("extend")
    if base is None:
        return
    if not isinstance(base, str):
        raise TemplateError(f"{path.name}: extend: must be the name of a file (it is {base!r})")
    target = (path.parent / base).resolve()
    if target in (*extended, path.resolve()):
        raise TemplateError(f"{path.name}: extend: {base} leads back to this file")
    yield from _parts(target, (*extended, path.resolve()))


def _load(path: Path) -> tuple[yaml.Node, Document]:
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
    return node, document


def _refuse_double_keys(node: yaml.Node, seen: set[int]) -> None:
    """Refuse a key that a mapping has twice: which of the two was meant, nobody knows."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))  # an alias may lead back to what it is in
    names: set[str] = set()
    for item in node.value:
        key, value = item if isinstance(node, yaml.MappingNode) else (None, item)
        if isinstance(key, yaml.ScalarNode):
            if key.value in names:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
            names.add(key.value)
        _refuse_double_keys(value, seen)


def _merged(base: Any, change: Any) -> Any:  # noqa: ANN401 - whatever YAML can say
    """Return a document with another put over it: mappings key by key, all else as a whole, as the tool does."""
    if not (isinstance(base, Mapping) and isinstance(change, Mapping)):
        return change
    return {**base, **{key: _merged(base[key], value) if key in base else value for key, value in change.items()}}


def _walk(node: yaml.Node, keys: tuple[Key, ...]) -> tuple[int, int]:
    """Return the line of the last key that is found, and how many are; a key that is not there is passed over."""
    line, steps = node.start_mark.line + 1, 0
    for key in keys:
        inner = _inner(node, key)
        if inner is not None:
            (line, node), steps = inner, steps + 1
    return line, steps


def _inner(node: yaml.Node, key: Key) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    if isinstance(node, yaml.MappingNode):
        return next(((name.start_mark.line + 1, value) for name, value in node.value if name.value == str(key)), None)
    return None
