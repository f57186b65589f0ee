"""What a message says, as far as it can be read: the page shows it, and decides nothing by it."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

LONGEST_ID = 128
Value = Any
"""Any JSON value."""


def text_of(body: str) -> str:
    """A body as it was meant: the SDKs encode in base64 what they send."""
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        return body


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def value_of(text: str) -> Value:
    """The JSON value of a text; None where it has none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_text(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def requests_in(value: Value, message_id: str) -> dict[str, Mapping[str, Any]]:
    """The requests of a message by their ids: the sender's own, or else the message's, numbered in an array."""
    several = isinstance(value, list)
    found: dict[str, Mapping[str, Any]] = {}
    for number, request in enumerate(value if several else [value], 1):
        given = request if isinstance(request, dict) else {}
        own = given.get("Id")
        default = f"{message_id}/{number}" if several else message_id
        found[own if isinstance(own, str) and 0 < len(own) <= LONGEST_ID else default] = given
    return found
