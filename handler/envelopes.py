"""Opens the envelopes that services of the platform, CloudEvents and this function put around a request.

Shapes: Function Compute, "Formats of event for different triggers" and "Result callback"; EventBridge, "Simple Message Queue",
"RocketMQ", "RabbitMQ", "Kafka", "MQTT" as event sources; SMQ, "NotifyContentFormat"; CloudEvents 1.0. All other attributes
come and go, so they are ignored.
"""

from collections.abc import Iterator, Mapping, Set
from typing import NamedTuple

from handler.moments import unix_seconds
from handler.texts import Flaw, decode

DEEPEST = 4
"""Envelopes around a request, besides its trigger's."""
MOST_REQUESTS = 2_000
"""Elements of an array; more requests than that never fit into a message of SMQ."""
LONGEST_ID = 100
"""Characters of a message's id; with `/n` for an element of an array it must fit a request's Id."""

Fields = Mapping[str, object]


class _Shape(NamedTuple):
    """The fields that identify a kind of envelope, and the paths of its parts; a dot leads into an object."""

    source: str
    needs: Set[str]
    body: str
    id: tuple[str, ...] = ()
    """Paths of the values that make the message's id."""
    published: str = ""


_SHAPES = (
    _Shape("smq", {"messageBody"}, "messageBody", ("messageId",)),
    _Shape("smq", {"MessageBody"}, "MessageBody", ("MessageId",), "EnqueueTime"),
    _Shape("rocketmq", {"systemProperties", "body"}, "body", ("systemProperties.UNIQ_KEY",)),
    _Shape("rabbitmq", {"envelope", "body"}, "body", ("props.messageId",)),
    _Shape("kafka", {"topic", "partition", "offset"}, "value", ("topic", "partition", "offset"), "timestamp"),
    _Shape("mqtt", {"props", "body"}, "body", ("props.messageId",)),
    _Shape("smq-topic", {"TopicName", "Message"}, "Message", ("MessageId",), "PublishTime"),
    _Shape("smq-topic", {"attrs", "body"}, "body", ("MessageId",)),
    _Shape("confirmation", {"Type", "Token", "SubscribeURL"}, ""),
    _Shape("timer", {"triggerTime", "triggerName"}, "payload", ("triggerName", "triggerTime"), "triggerTime"),
    _Shape("callback", {"requestPayload", "requestContext"}, "requestPayload", ("requestContext.requestId",), "timestamp"),
    _Shape("dead-letter", {"Reason", "Request"}, "Request"),
)  # fmt: skip
_EVENT = _Shape("event", {"specversion"}, "data", ("id",), "time")
_STREAMS = ("smq", "rocketmq", "rabbitmq", "kafka", "mqtt")
_MAY_BE_BLANK = ("event", "kafka", "timer")
"""Sources that often send empty messages, as a sign of life."""


class Envelope(NamedTuple):
    """One opened envelope."""

    source: str
    id: str | None
    body: object
    trace: str | None = None
    published: float | None = None
    """Unix seconds."""

    @property
    def is_blank(self) -> bool:
        return self.body is None or (self.source in _MAY_BE_BLANK and self.body in ("", {}))


class Place(NamedTuple):
    """Facts about a body from the envelopes around it."""

    id: str
    is_named: bool
    """True: a message's own id. False: made here, and replaced by the first id inside."""
    source: str = ""
    """The trigger's."""
    trace: str | None = None
    path: str = ""
    """`/n` for the n-th element of an array."""
    several: bool = False
    """Whether it is in an array."""
    replays: int = 0
    """How often it was taken out of a dead letter."""

    def enter(self, envelope: Envelope) -> "Place":
        # A stream's event inside a message of the same stream was given up and resent by hand: it keeps its id.
        again = envelope.source == self.source in _STREAMS
        better = envelope.id is not None and (again or not self.is_named)
        replays = self.replays + (again or envelope.source == "dead-letter")
        place = self._replace(trace=envelope.trace or self.trace, replays=replays)
        return place._replace(id=envelope.id or self.id, is_named=True, path="") if better else place


class Part(NamedTuple):
    """A value without envelopes; a Flaw if it cannot be read."""

    place: Place
    value: object
    ignored: str | None = None
    """Why it holds no request."""

    @property
    def id(self) -> str:
        return self.place.id + self.place.path


def open_body(body: object, place: Place, depth: int = DEEPEST, *, is_value: bool = False) -> Iterator[Part]:
    """Open the envelopes inside a body and yield their contents in order. Never raises: unreadable values are Flaws."""
    value = decode(body, is_value=is_value)
    envelope = unwrap(value)
    if isinstance(value, Flaw):
        yield Part(place, value)
    elif envelope and envelope.is_blank:
        yield Part(place.enter(envelope), value, ignored=f"{envelope.source} without a body")
    elif not depth and (envelope or (place.several and isinstance(value, list))):
        yield Part(place, Flaw(f"is wrapped more than {DEEPEST} times"))
    elif envelope:
        yield from open_body(envelope.body, place.enter(envelope), depth - 1)
    elif isinstance(value, list):
        yield from _open_elements(value, place, depth - place.several)
    else:
        yield Part(place, value)


def _open_elements(elements: list[object], place: Place, depth: int) -> Iterator[Part]:
    if not elements:
        yield Part(place, Flaw("the array is empty"))
    elif len(elements) > MOST_REQUESTS:
        yield Part(place, Flaw(f"the array has {len(elements)} elements, more than {MOST_REQUESTS}"))
    else:
        for number, element in enumerate(elements, 1):
            inside = place._replace(path=f"{place.path}/{number}", several=True)
            is_nested = isinstance(element, list)
            yield from [Part(inside, element)] if is_nested else open_body(element, inside, depth, is_value=True)


def unwrap(value: object) -> Envelope | None:
    """Open one envelope, a message's and the event around it as one. None if the value is no envelope."""
    if not (isinstance(value, dict) and "specversion" in value):
        return _unwrap_message(value)
    event, data = _unwrap(value, _EVENT), value.get("data")
    message = _unwrap_message(data)
    if message is None:
        return event._replace(body=value.get("data_base64") if data is None else data)
    published = event.published if message.published is None else message.published
    return message._replace(id=message.id or event.id, trace=event.trace, published=published)


def _unwrap_message(value: object) -> Envelope | None:
    if not isinstance(value, dict):
        return None
    shape = next((shape for shape in _SHAPES if shape.needs <= value.keys()), None)
    return shape and _unwrap(value, shape)


def _unwrap(fields: Fields, shape: _Shape) -> Envelope:
    parts = [_find(fields, path) for path in shape.id]
    name = "-".join(map(str, parts)) if parts and None not in parts else None
    trace = fields.get("traceparent")
    return Envelope(
        shape.source,
        usable_id(name),
        fields.get(shape.body),
        trace if isinstance(trace, str) else None,
        unix_seconds(fields.get(shape.published)),
    )


def _find(fields: object, path: str) -> object:
    for name in path.split("."):
        fields = fields.get(name) if isinstance(fields, dict) else None
    return fields if isinstance(fields, str) or type(fields) is int else None


def usable_id(text: str | None) -> str | None:
    """Return the text if it can be an Id, with `/n` after it; None otherwise."""
    return text if text and len(text) <= LONGEST_ID and text.isprintable() else None
