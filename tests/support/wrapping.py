"""What services, standards and senders wrap around a text: for tests that open it again."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from xml.sax.saxutils import escape

Wrap = Callable[[str], str]


def event(data: object, **attributes: object) -> dict[str, object]:
    """Wrap data in a CloudEvent as EventBridge sends it."""
    return {"id": "e1", "source": "acs:mns", "specversion": "1.0", "type": "t", "data": data, **attributes}


def smq(body: object, message: str = "m1") -> dict[str, object]:
    """Wrap a body in the data of an event for a queue's message."""
    return {"requestId": "r", "messageId": message, "messageBody": body}


def queue_batch(requests: Iterable[object]) -> bytes:
    """The payload of a call for messages of a queue, a request in each."""
    return json.dumps([event(smq(json.dumps(each), f"m{n}"), id=f"e{n}") for n, each in enumerate(requests)]).encode()


def topic(message: str) -> dict[str, object]:
    """Wrap a message in an SMQ topic's notification."""
    return {"TopicOwner": "1", "TopicName": "t", "SubscriptionName": "s", "MessageId": "2F5B", "Message": message}


def topic_xml(message: str) -> str:
    """Wrap it in the same in XML."""
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in topic(message).items())
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Notification xmlns="http://mns.aliyuncs.com/doc/v1/">{fields}</Notification>'


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS: Mapping[str, Wrap] = {
    "as it is": lambda text: text,
    "base64": encode,
    "base64 twice": lambda text: encode(encode(text)),
    "base64 without padding": lambda text: encode(text).rstrip("="),
    "URL-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode().replace("\n", "\r\n"),
    "a JSON text": json.dumps,
    "base64 of a JSON text": lambda text: encode(json.dumps(text)),
    "behind a byte order mark": lambda text: f"\ufeff\n {text}",
}
ENVELOPES: Mapping[str, Wrap] = {
    "a topic's JSON": lambda text: json.dumps(topic(text)),
    "a topic's XML": topic_xml,
    "a topic's stream": lambda text: json.dumps({"body": text, "attrs": {"k": "v"}}),
    "an event": lambda text: json.dumps(event(text)),
    "an event in binary": lambda text: json.dumps({"specversion": "1.0", "id": "e2", "data_base64": encode(text)}),
    "RocketMQ": lambda text: json.dumps(event({"systemProperties": {"UNIQ_KEY": "u1"}, "body": text})),
    "RabbitMQ": lambda text: json.dumps(event({"envelope": {}, "body": text, "props": {"messageId": "f76"}})),
    "Kafka": lambda text: json.dumps(event({"topic": "t", "partition": 7, "offset": 25, "value": text})),
    "an asynchronous result": lambda text: json.dumps({"requestContext": {"requestId": "r1"}, "requestPayload": text}),
}
