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
"""Whatever YAML can say: text, numbers, lists, mappings."""

Document = Mapping[str, Any]

Lookup = Callable[[str], Value]
"""The value of a variable, given what stands between the braces."""


class TemplateError(Exception):
    """A template that cannot be carried out; the text says what is wrong in it."""


def resolved(value: Value, lookup: Lookup, inside: tuple[str, ...] = ()) -> Value:
    """Return a copy of a document in which every variable is replaced by its value; `inside` are those being replaced.

    Raises: TemplateError: a variable is not there, or leads back to itself.
    """
    if isinstance(value, Mapping):
        return {key: resolved(item, lookup, inside) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, lookup, inside) for item in value]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> Value:
        if found[1] in inside:
            raise TemplateError(f"${{{found[1]}}} leads back to itself")
        return resolved(lookup(found[1]), lookup, (*inside, found[1]))

    if whole := VARIABLE.fullmatch(value):
        return replaced(whole)
    return VARIABLE.sub(lambda found: str(replaced(found)), value)


def variables(document: Document, environ: Mapping[str, str], outputs: Mapping[str, Mapping[str, str]]) -> Lookup:
    """Look variables up in the file, in the environment and in the outputs of resources that are there already."""

    def lookup(expression: str) -> Value:
        if expression.startswith("vars."):
            return named(document.get("vars"), expression)
        if found := ENVIRONMENT.fullmatch(expression):
            if found[1] not in environ and found[3] is None:
                raise TemplateError(f"the environment has no {found[1]}")
            return environ.get(found[1], found[3])
        if found := OUTPUT.fullmatch(expression):
            return output(outputs, found[1], found[2])
        raise TemplateError(f"${{{expression}}} is none of the variables that are understood here")

    return lookup


def named(value: Value, expression: str) -> Value:
    """What a dotted name such as `vars.a.b` stands for."""
    for part in expression.split(".")[1:]:
        if not isinstance(value, Mapping) or part not in value:
            raise TemplateError(f"${{{expression}}} is not defined")
        value = value[part]
    return value


def output(outputs: Mapping[str, Mapping[str, str]], resource: str, key: str) -> str:
    """An output of a resource."""
    try:
        return outputs[resource][key]
    except KeyError:
        raise TemplateError(f"resource {resource} has no output {key}") from None
