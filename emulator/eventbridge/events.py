"""Builds the events of an event stream from messages (Function Compute, "Formats of event for different triggers")."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timezone

from emulator.bodies import decode
from emulator.eventbridge.config import StreamConfig
from emulator.smq.messages import Message


def build_event(message: Message, config: StreamConfig, now: float) -> str:
    """Write a message as JSON; `now` in unix seconds. Id and data are the same however often the message comes."""
    data = {
        # SMQ keeps no request id with a message: one that is derived from the message's id stays the same.
        "requestId": hashlib.sha256(message.id.encode()).hexdigest()[:24].upper(),
        "messageId": message.id,
        "messageBody": decode(message.body) if config.trigger.base64_decode else message.body,
    }
    if config.trigger.event_schema == "RawData":
        return _write_json(data)
    envelope = {
        "id": message.id,
        "source": config.name,
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "datacontenttype": "application/json; charset=utf-8",
        "subject": f"acs:mns:{config.region}:{config.account}:queues/{config.trigger.queue}",
        "time": _format_time(message.enqueued / 1000),
        "aliyunaccountid": config.account,
        "aliyunpublishtime": _format_time(now),
        "aliyunoriginalaccountid": config.account,
        "aliyuneventbusname": config.name,
        "aliyunregionid": config.region,
        "aliyunpublishaddr": "127.0.0.1",
        "data": data,
    }
    return _write_json(envelope)


def build_payload(events: Sequence[bytes], config: StreamConfig) -> bytes:
    """Build the payload of a call from events in JSON."""
    return events[0] if config.trigger.mode == "event-driven" else b"[" + b",".join(events) + b"]"


def _write_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _format_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
