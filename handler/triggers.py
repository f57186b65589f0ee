"""Envelopes: what each trigger wraps around a request.

Shapes: Function Compute, "Formats of event for different triggers"; EventBridge, "Simple Message Queue", "RocketMQ", "RabbitMQ",
"Kafka" as event sources. Attributes beyond those read here come and go, so none of them is compared.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from handler.errors import EnvelopeError
from handler.messages import ModuleRequest

LONGEST_ID = 100
"""Characters of a message's id; with `/n` for an element of an array it must fit a request's Id."""
MOST_NAMES_SHOWN = 8

# Texts are passed over whole, so that what looks like a bracket in one is none.
_TOKEN = rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},]'

_KINDS = {type(None): "null", bool: "a boolean", str: "a text", list: "an array"}

Fields = Mapping[str, object]


class Delivery(NamedTuple):
    """One message: its id, the same when it is delivered again; its body; or what is wrong with it."""

    id: str
    body: object
    source: str
    trace: str | None = None
    problem: str | None = None


class _Shape(NamedTuple):
    """How one kind of message is told from the others, and where its parts stand."""

    source: str
    needs: tuple[str, ...]
    body: str
    id: Callable[[Fields], object]


def _inside(outer: str, inner: str) -> Callable[[Fields], object]:
    def get(fields: Fields) -> object:
        part = fields.get(outer)
        return part.get(inner) if isinstance(part, dict) else None

    return get


def _place(fields: Fields) -> object:
    return f"{fields.get('topic')}-{fields.get('partition')}-{fields.get('offset')}"


_SHAPES = (
    _Shape("smq", ("messageBody",), "messageBody", lambda fields: fields.get("messageId")),
    _Shape("rocketmq", ("systemProperties", "body"), "body", _inside("systemProperties", "UNIQ_KEY")),
    _Shape("rabbitmq", ("envelope", "body"), "body", _inside("props", "messageId")),
    _Shape("kafka", ("topic", "partition", "offset", "value"), "value", _place),
    _Shape("smq-topic", ("TopicName", "Message"), "Message", lambda fields: fields.get("MessageId")),
    _Shape("smq-topic", ("attrs", "body"), "body", lambda fields: fields.get("MessageId")),
)


def deliveries(event: bytes) -> list[Delivery]:
    """The messages in an event, in order. One broken element never hides the others.

    Raises: EnvelopeError: the event is of no known shape.
    """
    value = _json(event)
    if value is None and event.lstrip()[:1] == b"[":
        value = _parts(event)
    if isinstance(value, list):
        return _batch(value, event)
    if not isinstance(value, dict):
        return [_bare(event)]
    found = _message(value)
    if found is None and not value.keys() & ModuleRequest.model_fields.keys():
        raise EnvelopeError(_seen(value))
    return [found or _bare(event)]


def _batch(elements: list[object], event: bytes) -> list[Delivery]:
    messages = [_element(element) for element in elements]
    if elements and not any(messages):
        return [_bare(event)]  # an array of requests
    return [
        message or _broken(place, element)
        for place, (message, element) in enumerate(zip(messages, elements, strict=True))
    ]


def _element(element: object) -> Delivery | None:
    # Until February 2023 the elements were JSON texts; some accounts still get them so.
    value = _json(element.encode("utf-8", "replace")) if isinstance(element, str) else element
    return _message(value) if isinstance(value, dict) else None


def _message(fields: Fields) -> Delivery | None:
    """The message in an envelope; None where it is none."""
    is_event = "specversion" in fields
    data = fields.get("data") if is_event else fields
    if not isinstance(data, dict):
        return _problem(fields, "the event's data is no JSON object") if is_event else None
    shape = next((shape for shape in _SHAPES if all(name in data for name in shape.needs)), None)
    event_id = fields.get("id") if is_event else None
    trace = fields.get("traceparent") if is_event else None
    trace = trace if isinstance(trace, str) else None
    if shape is not None:
        body = _decoded(data[shape.body])
        return Delivery(_id(shape.id(data) or event_id, body), body, shape.source, trace)
    if not is_event:
        return None
    if data.keys() & ModuleRequest.model_fields.keys():
        return Delivery(_id(event_id, data), data, "event", trace)
    return _problem(fields, f"the event's data is of no known shape: {_seen(data)}")


def _problem(fields: Fields, problem: str) -> Delivery:
    return Delivery(_id(fields.get("id"), fields), None, "event", problem=problem)


def _broken(place: int, element: object) -> Delivery:
    problem = f"element {place} of the batch is no event: {_seen(element)}"
    return Delivery(_id(None, [place, element]), None, "event", problem=problem)


def _bare(event: bytes) -> Delivery:
    """What is not wrapped: a request, an array of them, or an SMQ topic's message in STREAM form."""
    body = _decoded(event.decode("utf-8", "surrogateescape"))
    text = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    return Delivery(_id(None, body), text, "bare")


def _decoded(body: object) -> object:
    """A body as it was sent: base64 of JSON is decoded, whatever the trigger was told to do about it; nothing else is."""
    if not isinstance(body, str) or body.lstrip()[:1] in ("{", "["):
        return body
    try:
        text = base64.b64decode("".join(body.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return body
    return text if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") else body


def _json(event: bytes) -> object:
    try:
        return json.loads(event)
    except (ValueError, RecursionError):
        return None


def _parts(event: bytes) -> list[object]:
    """The elements of an array that cannot be parsed whole, because one of them is nested too deeply, holds a number that is too
    long, or is cut off; what is no JSON stays text."""
    depth, start, parts = 0, 0, []
    for token in re.finditer(_TOKEN, event):
        sign = token[0]
        if depth == 1 and sign in (b",", b"]"):
            parts.append(event[start : token.start()])
        depth += (sign in (b"[", b"{")) - (sign in (b"]", b"}"))
        if depth == 1 and sign in (b"[", b","):
            start = token.end()
    if depth > 0:
        parts.append(event[start:])
    return [_json(part) or part.decode("utf-8", "replace") for part in parts]


def _id(sent: object, body: object) -> str:
    """The id that was sent; or one made of the body, so that it is the same on every delivery."""
    if isinstance(sent, str) and 0 < len(sent) <= LONGEST_ID and sent.isprintable():
        return sent
    text = body if isinstance(body, str) else json.dumps(body, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _seen(value: object) -> str:
    """What an unknown thing looks like, without its contents."""
    if not isinstance(value, dict):
        return _KINDS.get(type(value), "a number")
    names = [str(name)[:32].encode("ascii", "backslashreplace").decode() for name in value]
    more = ", …" if len(names) > MOST_NAMES_SHOWN else ""
    return f"an object with the fields {', '.join(names[:MOST_NAMES_SHOWN])}{more}" if names else "an empty object"
