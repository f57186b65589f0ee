"""The variables of Serverless Devs, resolved as the tool resolves them."""

from typing import Any

import pytest

from emulator.template.variables import TemplateError, lookup_in, resolve

NESTED = {"name": "ota"}
VARS = {"region": "cn-shanghai", "count": 2, "off": {}, "nested": NESTED, "queue": "${vars.nested.name}-requests"}


def render(value: Any) -> Any:
    outputs = {"infra": {"RoleArn": "acs:ram::1:role/ota"}}
    return resolve(value, lookup_in({"vars": VARS}, {"SET": "there"}, outputs))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${vars.region}", "cn-shanghai"), ("${vars.nested.name}-queue", "ota-queue"), ("${vars.queue}", "ota-requests"),
        ("${vars.count}", 2), ("n${vars.count}", "n2"), ("${vars.off}", {}),
        ("${resources.infra.output.RoleArn}", "acs:ram::1:role/ota"), ("no variable, {} and $", "no variable, {} and $"),
        ("${env('HOST', 'here')}", "here"), ('${env("HOST", "here")}', "here"), ("${env('HOST', '')}", ""),
        ("${env('SET', 'here')}", "there"),
        ({"a": [{"b": "${vars.count}"}, True, None]}, {"a": [{"b": 2}, True, None]}),
    ],
)  # fmt: skip
def test_a_variable_is_replaced_by_its_value_however_deep_it_stands(text: object, value: object) -> None:
    """A variable that stands alone keeps its type; inside text it is text."""
    assert render(text) == value


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("${vars.regoin}", "vars.regoin"),
        ("${vars.region.name}", "vars.region.name"),
        ("${env('HOST')}", "HOST"),
        ("${resources.infra.output.Nope}", "Nope"),
        ("${resources.nope.output.RoleArn}", "nope"),
        ("${config('AccountID')}", "config"),
    ],
)
def test_what_cannot_be_resolved_is_named(text: str, named: str) -> None:
    with pytest.raises(TemplateError, match=named):
        render(text)
