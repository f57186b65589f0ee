"""Reads the messages in a trigger's event."""

import hashlib
import json
import math
from typing import NamedTuple

from handler.envelopes import Place, unwrap
from handler.errors import EnvelopeError
from handler.messages import Contents, names_module, read_body
from handler.texts import decode, parse

MOST_NAMES_SHOWN = 8


class Delivery(NamedTuple):
    """One message, its body not yet opened."""

    id: str
    body: object
    source: str
    trace: str | None = None
    is_named: bool = True
    """True: the message's own id. False: made of its body, and replaced by an id inside."""
    published: float | None = None
    """Unix seconds."""

    def open(self) -> Contents:
        """Find the requests in it."""
        return read_body(self.body, Place(self.id, self.is_named, self.source, self.trace))


def deliveries(event: bytes) -> list[Delivery]:
    """Read the messages in an event, in order. One broken element never hides the others.

    Raises: EnvelopeError: the event is of no known shape.
    """
    value = parse(event.decode("utf-8", "surrogateescape"), longest=math.inf)
    elements = value if isinstance(value, list) else [value]
    messages = [_message(element) for element in elements]
    if any(messages) or not elements:
        return [message or _bare(element, element) for message, element in zip(messages, elements, strict=True)]
    if isinstance(value, dict) and _is_foreign(value):
        raise EnvelopeError(f"not an event of any known trigger: {_describe(value)}")
    return [_bare(value if isinstance(value, list) else event, event)]


def _message(element: object) -> Delivery | None:
    """Open the envelope of a trigger; None where there is none."""
    # Until February 2023 the elements were JSON texts; some accounts still get them so.
    envelope = unwrap(decode(element, is_value=True))
    if envelope is None:
        return None
    source, name, body, trace, published = envelope
    if envelope.is_blank or source == "dead-letter":
        source, body = "bare", element
    return Delivery(name or _make_id(body), body, source, trace, name is not None, published)


def _bare(body: object, source: object) -> Delivery:
    """Take an element without a trigger's envelope: a request, an array of them, or an SMQ topic's message in STREAM form."""
    return Delivery(_make_id(source), body, "bare", is_named=False)


def _is_foreign(fields: dict[str, object]) -> bool:
    """Tell whether an object is no request: it is empty, or holds nested values and names no module."""
    is_plain = not any(isinstance(value, dict | list) for value in fields.values())
    return not fields or not (is_plain or names_module(fields))


def _make_id(body: object) -> str:
    """Make an id of a body, the same on every delivery."""
    try:
        text = body if isinstance(body, str | bytes) else json.dumps(body, sort_keys=True, default=str)
    except RecursionError:
        text = "nested too deeply"
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:32]


def _describe(fields: dict[str, object]) -> str:
    """Describe an unknown object without its contents."""
    names = [name[:32].encode("ascii", "backslashreplace").decode() for name in fields]
    more = ", …" if len(names) > MOST_NAMES_SHOWN else ""
    return f"an object with the fields {', '.join(names[:MOST_NAMES_SHOWN])}{more}" if names else "an empty object"
