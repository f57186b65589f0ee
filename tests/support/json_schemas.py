"""JSON Schema as its readers in other languages mean it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema


def _ecma(_validator: object, pattern: str, value: object, _schema: object) -> Iterator[jsonschema.ValidationError]:
    """`pattern` as JSON Schema means it: in Python, `$` passes a line's end as well."""
    if isinstance(value, str) and not re.search(pattern.removesuffix("$") + r"\Z", value):
        yield jsonschema.ValidationError(f"does not match {pattern}")


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _ecma})  # type: ignore[no-untyped-call]


def faults(value: object, schema: Mapping[str, Any]) -> list[str]:
    """Describe what a value breaks of a schema."""
    return [error.message for error in _Validator(schema).iter_errors(value)]
