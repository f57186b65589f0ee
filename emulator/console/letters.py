"""Dead letters: reads them, sends them again, discards them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.bodies import decode
from emulator.console.bodies import LONGEST_ID, Value, encode, json_text, requests_in, value_of
from emulator.smq.errors import SmqError
from emulator.smq.messages import Message
from emulator.smq.service import MessageService

UNDELIVERED = "undelivered"
"""The reason of letters that carry none: the stream or the queue gave them up before the function finished them."""
MOST_REPLAYS = 1_000_000
"""The largest `Replay` of events/request.schema.json."""
HIDDEN = 30
"""Seconds that a letter is hidden from others while it is resent or discarded."""


@dataclass(frozen=True)
class Letter:
    """A dead letter: its requests, as far as they can be read, whose they are, and what to send to have them again."""

    id: str
    reason: str
    detail: str
    requests: tuple[Mapping[str, Any], ...]
    senders: tuple[str, ...]
    """The requests' Ids."""
    again: str

    def shown(self, wall: float) -> dict[str, object]:
        """For the page; `wall` is when it was put there, in unix seconds."""
        named = [{name: known.get(name) for name in ("ProductKey", "ModuleName")} for known in self.requests]
        return {
            "message": self.id, "at": wall, "reason": self.reason, "detail": self.detail,
            "requests": [{**names, "Id": id_} for names, id_ in zip(named, self.senders, strict=True)],
        }  # fmt: skip


def read(message_id: str, body: str, source: str | None = None) -> Letter:
    """Read a letter of the function, an event that the stream gave up, or a message that the queue gave up.

    `source` is the id that the message had in the queue that gave it up.
    """
    value = value_of(decode(body))
    if isinstance(value, dict) and isinstance(value.get("Request"), dict) and "Reason" in value:
        return _letter(message_id, str(value["Reason"]), str(value.get("Detail") or ""), value["Request"])
    data = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, dict) and "messageBody" in data:
        inner = data["messageBody"]
        plain = decode(inner) if isinstance(inner, str) else json_text(inner)
        content = value_of(plain) if isinstance(inner, str) else inner
        return _letter(str(data.get("messageId") or message_id), UNDELIVERED, "", content, plain, message_id)
    return _letter(source or message_id, UNDELIVERED, "", value, decode(body), message_id)


def _letter(origin: str, reason: str, detail: str, value: Value, plain: str = "", message_id: str = "") -> Letter:
    requests = requests_in(value, origin)
    again = json_text(_anew(value, origin)) if isinstance(value, dict | list) else plain
    return Letter(message_id or origin, reason, detail, tuple(requests.values()), tuple(requests), again)


def _anew(value: Value, origin: str) -> Value:
    """Begin the attempts of requests anew, under the Ids that they had.

    A request without an Id has its message's. What sends it again is another message: the Id is written down.
    """
    if isinstance(value, list):
        return [_request_anew(request, f"{origin}/{number}") for number, request in enumerate(value, 1)]
    return _request_anew(value, origin)


def _request_anew(request: Value, default: str) -> Value:
    """`Tried` stays: an earlier create call may have had its effect. `Replay` gives the next outcome an id of its own."""
    if not isinstance(request, dict) or "ProductKey" not in request:
        return request
    kept = {name: value for name, value in request.items() if name not in ("Attempt", "Since")}
    named = {} if request.get("Id") is not None else {"Id": default[:LONGEST_ID]}
    return {**kept, "Replay": _next_replay(request.get("Replay")), **named}


def _next_replay(before: Value) -> int:
    """Count up; what is no number stays, and is rejected as before."""
    before = before or 0
    return min(before + 1, MOST_REPLAYS) if type(before) is int else before


def peek(service: MessageService, queue: str, most: int) -> list[dict[str, object]]:
    """Return the oldest letters of a queue, and leave them visible."""
    messages = service.peek(queue, most)
    return [_read(message).shown(message.enqueued / 1000) for message in messages]


def _read(message: Message) -> Letter:
    sources = [known.value for known in message.properties.system if known.name == "DLQOriginMessageId"]
    return read(message.id, message.body, sources[0] if sources else None)


@dataclass(frozen=True)
class Replayed:
    """The ids of letters that were sent again; and of those that the request queue refused, with its reason: they stay."""

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
