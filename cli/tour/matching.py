"""Compares outcomes and answers with the expected ones; events/README.md has the rules."""

from collections.abc import Iterator
from typing import Any


def differences(expected: Any, got: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Describe each difference between `got` and what was expected.

    An expected object may leave fields out, an expected list may be in any order, and None stands for absent, null or
    empty.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            yield from differences(value, got.get(name), f"{path}.{name}" if path else name)
    elif isinstance(expected, list) and isinstance(got, list):
        left = list(got)
        for element in expected:
            match = next((one for one in left if not any(differences(element, one))), None)
            if match is None:
                yield f"{path}: expected {element!r} among them, got {got!r}"
                return
            left.remove(match)
        if left:
            yield f"{path}: not expected: {left!r}"
    elif (got not in (None, "", [], {})) if expected is None else type(expected) is not type(got) or expected != got:
        yield f"{path or 'it'}: expected {'nothing' if expected is None else repr(expected)}, got {got!r}"
