"""Reads dead letters, sends them again, discards them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.bodies import decode
from emulator.console.bodies import LONGEST_ID, Value, encode, parse_json, read_requests, write_json
from emulator.smq.errors import SmqError
from emulator.smq.messages import Message
from emulator.smq.service import MessageService

UNDELIVERED = "undelivered"
"""The reason of letters that carry none: the stream or the queue gave up before the function finished them."""
MOST_REPLAYS = 1_000_000
"""The largest `Replay` of events/request.schema.json."""
HIDDEN = 30
"""Seconds that a letter is hidden from others while it is resent or discarded."""


@dataclass(frozen=True)
class Letter:
    """A dead letter: its requests by their Ids, as far as they can be read, and the text to send to have them again."""

    id: str
    reason: str
    detail: str
    requests: Mapping[str, Mapping[str, Any]]
    again: str

    def as_json(self, at: float) -> dict[str, object]:
        """Describe it for the page; `at` is when it was put there, in unix seconds."""
        requests = [
            {"ProductKey": request.get("ProductKey"), "ModuleName": request.get("ModuleName"), "Id": name}
            for name, request in self.requests.items()
        ]
        return {"message": self.id, "at": at, "reason": self.reason, "detail": self.detail, "requests": requests}


def read(message_id: str, body: str, source: str | None = None) -> Letter:
    """Read a letter of the function, an event that the stream gave up, or a message that the queue gave up.

    `source` is the id that the message had in the queue that gave it up.
    """
    text, origin = decode(body), source or message_id
    reason, detail = UNDELIVERED, ""
    value = parse_json(text)
    data = value.get("data") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(value.get("Request"), dict) and "Reason" in value:
        reason, detail = str(value["Reason"]), str(value.get("Detail") or "")
        origin, value = message_id, value["Request"]
    elif isinstance(data, dict) and "messageBody" in data:
        inner = data["messageBody"]
        text = decode(inner) if isinstance(inner, str) else write_json(inner)
        value, origin = parse_json(text), str(data.get("messageId") or message_id)
    again = write_json(_renew(value, origin)) if isinstance(value, dict | list) else text
    return Letter(message_id, reason, detail, read_requests(value, origin), again)


def _renew(value: Value, origin: str) -> Value:
    """Reset the attempts of requests, under the Ids that they had.

    A request without an Id has its message's. It is sent again in another message: the Id is written into it.
    """
    if isinstance(value, list):
        return [_renew_request(request, f"{origin}/{number}") for number, request in enumerate(value, 1)]
    return _renew_request(value, origin)


def _renew_request(request: Value, default: str) -> Value:
    """Reset a request. `Tried` stays: an earlier create call may have had effect. By `Replay` the next outcome has a new id."""
    if not isinstance(request, dict) or "ProductKey" not in request:
        return request
    replays = request.get("Replay") or 0
    if type(replays) is int:  # anything else stays, and is rejected as before
        replays = min(replays + 1, MOST_REPLAYS)
    kept = {name: value for name, value in request.items() if name not in ("Attempt", "Since")}
    named = {} if request.get("Id") is not None else {"Id": default[:LONGEST_ID]}
    return {**kept, "Replay": replays, **named}


def peek(service: MessageService, queue: str, most: int) -> list[dict[str, object]]:
    """Return the oldest letters of a queue, and leave them visible."""
    messages = service.peek(queue, most)
    return [_read(message).as_json(message.enqueued / 1000) for message in messages]


def _read(message: Message) -> Letter:
    sources = [item.value for item in message.properties.system if item.name == "DLQOriginMessageId"]
    return read(message.id, message.body, sources[0] if sources else None)


@dataclass(frozen=True)
class Replayed:
    """The ids of the letters sent again, and of those that the request queue refused, which stay, with its reason."""

    replayed: list[str]
    refused: dict[str, str]


def replay(service: MessageService, queue: str, requests: str, names: frozenset[str] | None) -> Replayed:
    """Send letters again, all or those named; each is deleted only after it was sent."""
    done = Replayed([], {})
    for message in _receive(service, queue, names):
        try:
            service.send(requests, encode(_read(message).again))
        except SmqError as error:
            done.refused[message.id] = error.text
            service.change_visibility(queue, message.handle, 0)
        else:
            service.delete(queue, message.handle)
            done.replayed.append(message.id)
    return done


def discard(service: MessageService, queue: str, names: frozenset[str]) -> list[str]:
    """Delete the letters named; return the ids of those that were still there."""
    messages = _receive(service, queue, names)
    for message in messages:
        service.delete(queue, message.handle)
    return [message.id for message in messages]


def _receive(service: MessageService, queue: str, names: frozenset[str] | None) -> list[Message]:
    """Receive the letters named, or all; the others stay visible."""
    messages = service.receive(queue, service.depths(queue).active, HIDDEN)
    chosen = [message for message in messages if names is None or message.id in names]
    for message in messages:
        if message not in chosen:
            service.change_visibility(queue, message.handle, 0)
    return chosen
