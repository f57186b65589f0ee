"""Is what came what was expected? What is expected is a part of what may come; see events/README.md for the rules."""

from collections.abc import Mapping, Sequence
from typing import Any


def differences(expected: Any, got: Any, path: str = "") -> list[str]:  # noqa: ANN401 - any JSON value
    """Where `got` is not as expected, in words; empty where it is.

    An expected object may leave fields out, an expected list may be in any order, and None stands for absent, null or
    empty.
    """
    if expected is None:
        return [] if got in (None, "", [], {}) else [_said(path, "nothing", got)]
    if isinstance(expected, Mapping):
        return _fields(expected, got, path)
    if isinstance(expected, list):
        return _elements(expected, got, path)
    return [] if type(expected) is type(got) and expected == got else [_said(path, repr(expected), got)]


def _fields(expected: Mapping[str, Any], got: object, path: str) -> list[str]:
    if not isinstance(got, Mapping):
        return [_said(path, "an object", got)]
    return [
        difference
        for name, value in expected.items()
        for difference in differences(value, got.get(name), f"{path}.{name}" if path else name)
    ]


def _elements(expected: Sequence[Any], got: object, path: str) -> list[str]:
    if not isinstance(got, list):
        return [_said(path, "a list", got)]
    left = list(got)
    missing = []
    for element in expected:
        found = next((one for one in left if not differences(element, one)), None)
        if found is None:
            missing.append(f"{path}: expected {element!r} among them, got {got!r}")
        else:
            left.remove(found)
    return missing or ([f"{path}: not expected: {left!r}"] if left else [])


def _said(path: str, expected: str, got: object) -> str:
    return f"{path or 'it'}: expected {expected}, got {got!r}"
