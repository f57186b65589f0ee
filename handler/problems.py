"""Describes what is wrong with a request, so that its sender can correct it."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

LONGEST_SHOWN = 64
"""Characters shown of a refused value."""
LONGEST_REPEATED = 128
"""Characters repeated of an API field that breaks a rule."""
MOST_PROBLEMS = 20
"""Problems reported of one request, which may be an object with a thousand unknown fields."""

# Character classes are spelled out, and not Unicode categories, so that all versions of Python and the published schema agree.
# Invisible: white space and what fonts show as nothing (Default_Ignorable_Code_Point, format characters, fillers).
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(f"{chr(last - 1)}{chr(last)}" for last in range(0xFFFF, 0x110000, 0x10000))
CONTROL = f"\x00-\x1f\x7f-\x9f\u2028\u2029{_NONCHARACTERS}"
INVISIBLE = (
    "\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    "\u202a-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# JSON can hold half of a surrogate pair, UTF-8 cannot: pydantic refuses such texts, and no error may repeat them.
_UNPRINTABLE = f"[{CONTROL}\ud800-\udfff]"
_UNSHOWN = f"[{CONTROL}{INVISIBLE}\ud800-\udfff]"


class Problem(BaseModel):
    """Describes what is wrong with one field; `Field` is empty if it is the whole message."""

    model_config = ConfigDict(frozen=True)

    Field: str
    Problem: str


def problems_of(error: ValidationError, known: Iterable[str], rules: Mapping[str, str]) -> tuple[Problem, ...]:
    """List every fault of a request. `known`: the fields that it may have; `rules`: what their texts must hold, in words."""
    faults = error.errors(include_url=False)
    problems = [_problem(fault, known, rules) for fault in faults[:MOST_PROBLEMS]]
    if len(faults) > MOST_PROBLEMS:
        problems.append(Problem(Field="", Problem=f"{len(faults) - MOST_PROBLEMS} more problems"))
    return tuple(problems)


def _problem(fault: Any, known: Iterable[str], rules: Mapping[str, str]) -> Problem:  # noqa: ANN401 - pydantic's ErrorDetails
    name = str(fault["loc"][0])
    if fault["type"] == "missing":
        words = "is required"
    elif fault["type"] == "extra_forbidden":
        meant = find_closest(name, known)
        words = "is not a field of a request" + (f" (did you mean {meant}?)" if meant else "")
    else:
        broken = fault["type"] in ("string_pattern_mismatch", "value_error")
        rule = rules[name] if broken else re.sub("^(Input|String) ", "", fault["msg"])
        words = f"{rule[:1].lower()}{rule[1:]} (it is {show_value(fault['input'])})"
    return Problem(Field=replace_unprintable(name)[:LONGEST_REPEATED], Problem=words)


def find_closest(name: str, known: Iterable[str], cutoff: float = 0.75) -> str | None:
    """Find the known name that another one means, if any is close: `productKey`, `module_name`, `Alias`."""
    from difflib import get_close_matches  # here, so that a new instance does not wait for it

    names = {candidate.casefold(): candidate for candidate in known}
    plain = re.sub("[^a-z]", "", name[:LONGEST_SHOWN].casefold())
    parts = [folded for folded in names if min(len(folded), len(plain)) > 3 and (plain in folded or folded in plain)]
    near = [*get_close_matches(plain, names, 1, cutoff), *parts]
    return names[near[0]] if near else None


def show_value(value: object) -> str:
    """Write a value for an error: short, invisible characters escaped."""
    text = value if isinstance(value, str) else _json(value)
    short = text[:LONGEST_SHOWN] + ("…" if len(text) > LONGEST_SHOWN else "")
    visible = re.sub(_UNSHOWN, lambda found: f"\\u{ord(found[0]):04x}", short)
    return f"'{visible}'" if isinstance(value, str) else visible


def _json(value: object) -> str:
    """Write the beginning of a value: the whole of one that names a part many times could be millions of times as long."""
    try:
        chunks = json.JSONEncoder(default=str, skipkeys=True).iterencode(value)
        return "".join(islice(chunks, LONGEST_SHOWN + 1))
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"


def replace_unprintable(text: str) -> str:
    """Replace characters that no message can carry."""
    return text if text.isascii() and text.isprintable() else re.sub(_UNPRINTABLE, "\ufffd", text)
