"""Messages and elements of arrays that break the contract, each in its own way; all of them can be told apart."""

import json
from collections.abc import Callable

from tests.simulation.messages import empty_array, mark

Broken = Callable[[int], str]

TOO_DEEP = 12_000

INVALID: tuple[dict[str, str], ...] = (
    {"ModuleName": "Default"},
    {"ModuleName": "m 0", "AliasName": "no spaces"},
    {"Colour": "red"},
    {"ProductKey": ""},
)
"""Fields that make a request invalid."""


def _twice(number: int) -> str:
    return f'{{"ProductKey": "a0", "ModuleName": "m0", "CorrelationId": "{mark(number)}", "Desc": "a", "Desc": "b"}}'


def _no_number(number: int) -> str:
    return f'{{"ProductKey": "a0", "ModuleName": "m0", "CorrelationId": "{mark(number)}", "Desc": NaN}}'


def _too_deep(number: int) -> str:
    return f'{{"CorrelationId": "{mark(number)}", "ModuleName": {"[" * TOO_DEEP}{"]" * TOO_DEEP}}}'


def _no_module(number: int) -> str:
    return json.dumps({"CorrelationId": mark(number), "Id": f"r{number}", "ModuleName": 5})


def _text(number: int) -> str:
    return json.dumps(f"a text {mark(number)}")


BROKEN_ELEMENTS: tuple[Broken, ...] = (_twice, _twice, _no_number, _no_number, _no_module, _text)
"""Elements that are wrong by themselves, and harm no other in their array."""
BROKEN_MESSAGES: tuple[Broken, ...] = (
    lambda number: f"no JSON {mark(number)}",
    lambda number: f'{{"ProductKey": "a0", "CorrelationId": "{mark(number)}"',
    empty_array,
    _too_deep,
)
"""Messages that hold no request at all."""
