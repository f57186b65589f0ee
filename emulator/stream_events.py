"""What an event stream makes of a queue's messages (Function Compute, "Formats of event for different triggers")."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from emulator.smq.messages import Message
from emulator.smq.retries import STRATEGIES
from emulator.triggers import QueueTrigger

STREAMING = "event-streaming"
"""An array of events for each call."""
DRIVEN = "event-driven"
"""One event for each call, no array."""
MODES = (STREAMING, DRIVEN)

CLOUD_EVENTS = "CloudEvents"
RAW_DATA = "RawData"
SCHEMAS = (CLOUD_EVENTS, RAW_DATA)

OBJECTS = "objects"
STRINGS = "strings"
"""Elements as JSON texts inside the array: how streams pushed until February 2023."""
ELEMENTS = (OBJECTS, STRINGS)


@dataclass(frozen=True)
class StreamConfig:
    """A trigger, and where it stands. Raises: ValueError for a value that the service would refuse."""

    trigger: QueueTrigger
    function: str
    region: str
    account: str
    elements: str = OBJECTS

    def __post_init__(self) -> None:
        one = self.trigger
        for name, value, known in (
            ("mode", one.mode, MODES),
            ("eventSchema", one.event_schema, SCHEMAS),
            ("errorsTolerance", one.errors_tolerance, ("ALL", "NONE")),
            ("PushRetryStrategy", one.retry_strategy, STRATEGIES),
            ("elements", self.elements, ELEMENTS),
        ):
            if value not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {value!r}")
        if not 1 <= int(one.batch_messages) <= 10_000:
            raise ValueError(f"CountBasedWindow is 1 to 10000, not {one.batch_messages}")
        if not 0 <= float(one.batch_seconds) <= 15:
            raise ValueError(f"TimeBasedWindow is 0 to 15 seconds, not {one.batch_seconds}")

    @property
    def name(self) -> str:
        return f"MNS-{self.function}-{self.trigger.name}"

    @property
    def batch_messages(self) -> int:
        """How many messages a call gets at most: event mode knows no batches."""
        return int(self.trigger.batch_messages) if self.trigger.mode == STREAMING else 1

    @property
    def batch_seconds(self) -> float:
        """How long a batch is waited for after its first message."""
        return float(self.trigger.batch_seconds) if self.trigger.mode == STREAMING else 0.0

    @property
    def batch_bytes(self) -> int:
        """The largest payload that Function Compute takes: 32 MB synchronous, 128 KB asynchronous."""
        return 128 * 1024 if self.trigger.asynchronous else 32 * 1024 * 1024


def event(message: Message, config: StreamConfig, now: float) -> str:
    """One message as JSON; `now` in unix seconds. Id and data are the same however often the message comes."""
    data = {
        # SMQ keeps no request id with a message: one that follows from the message's id stays the same.
        "requestId": hashlib.sha256(message.id.encode()).hexdigest()[:24].upper(),
        "messageId": message.id,
        "messageBody": decoded(message.body) if config.trigger.base64_decode else message.body,
    }
    if config.trigger.event_schema == RAW_DATA:
        return _json(data)
    envelope = {
        "id": message.id,
        "source": config.name,
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "datacontenttype": "application/json; charset=utf-8",
        "subject": f"acs:mns:{config.region}:{config.account}:queues/{config.trigger.queue}",
        "time": _time(message.enqueued / 1000),
        "aliyunaccountid": config.account,
        "aliyunpublishtime": _time(now),
        "aliyunoriginalaccountid": config.account,
        "aliyuneventbusname": config.name,
        "aliyunregionid": config.region,
        "aliyunpublishaddr": "127.0.0.1",
        "data": data,
    }
    return _json(envelope)


def element(text: str, config: StreamConfig) -> bytes:
    """An event as it stands in a payload."""
    return (_json(text) if config.elements == STRINGS and config.trigger.mode == STREAMING else text).encode()


def payload(elements: Sequence[bytes], config: StreamConfig) -> bytes:
    """What the function is called with."""
    return elements[0] if config.trigger.mode == DRIVEN else b"[" + b",".join(elements) + b"]"


def decoded(body: str) -> str:
    """A base64 body's text. One that is not base64 of UTF-8 stays as queued: what becomes of it is undocumented."""
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        return body


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
