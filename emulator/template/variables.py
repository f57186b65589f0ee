"""The variables of a Serverless Devs file: `${vars.x}`, `${env('X', 'default')}`, `${resources.r.output.X}`.

A value that is one variable and nothing else keeps the variable's type; inside other text it is text, as in the tool.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

VARIABLE = re.compile(r"\$\{\s*([^{}]+?)\s*\}")
ENVIRONMENT = re.compile(r"""env\(\s*['"](\w+)['"]\s*(?:,\s*(['"])(.*?)\2\s*)?\)""")
OUTPUT = re.compile(r"resources\.([\w-]+)\.output\.([\w.-]+)")

Value = Any
"""Any value in YAML: text, numbers, lists, mappings."""
Document = Mapping[str, Any]
Lookup = Callable[[str], Value]
"""Returns the value of a variable, given the text between the braces."""


class TemplateError(Exception):
    """A template that cannot be deployed; the text says what is wrong in it."""


def resolve(value: Value, lookup: Lookup, inside: tuple[str, ...] = ()) -> Value:
    """Return a copy of a document in which every variable is replaced by its value; `inside` are those being replaced now.

    Raises: TemplateError: a variable is not there, or leads back to itself.
    """
    if isinstance(value, Mapping):
        return {key: resolve(item, lookup, inside) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, lookup, inside) for item in value]
    if not isinstance(value, str):
        return value

    def replace(variable: re.Match[str]) -> Value:
        if variable[1] in inside:
            raise TemplateError(f"${{{variable[1]}}} leads back to itself")
        return resolve(lookup(variable[1]), lookup, (*inside, variable[1]))

    if whole := VARIABLE.fullmatch(value):
        return replace(whole)
    return VARIABLE.sub(lambda variable: str(replace(variable)), value)


def lookup_in(document: Document, environ: Mapping[str, str], outputs: Mapping[str, Mapping[str, str]]) -> Lookup:
    """Return a lookup of variables in the file, in the environment and in the outputs of resources made before."""

    def lookup(expression: str) -> Value:
        if expression.startswith("vars."):
            return _lookup_name(document.get("vars"), expression)
        if match := ENVIRONMENT.fullmatch(expression):
            if match[1] not in environ and match[3] is None:
                raise TemplateError(f"the environment has no {match[1]}")
            return environ.get(match[1], match[3])
        if match := OUTPUT.fullmatch(expression):
            if match[2] not in outputs.get(match[1], {}):
                raise TemplateError(f"resource {match[1]} has no output {match[2]}")
            return outputs[match[1]][match[2]]
        raise TemplateError(f"${{{expression}}} is not supported here")

    return lookup


def _lookup_name(value: Value, expression: str) -> Value:
    """Follow a dotted name such as `vars.a.b` into a document."""
    for part in expression.split(".")[1:]:
        if not isinstance(value, Mapping) or part not in value:
            raise TemplateError(f"${{{expression}}} is not defined")
        value = value[part]
    return value
