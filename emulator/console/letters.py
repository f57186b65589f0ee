"""Dead letters: what was given up, why, and how it is sent again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.console.bodies import Value, encoded, json_text, requests_in, text_of, value_of
from emulator.smq.errors import SmqError
from emulator.smq.messages import Message
from emulator.smq.service import MessageService

UNDELIVERED = "undelivered"
"""The reason of letters that carry none: the stream or the queue gave them up before the function finished them."""
HIDDEN = 30
"""Seconds that a letter is nobody else's while it is looked for."""


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
        named = [{name: one.get(name) for name in ("ProductKey", "ModuleName")} for one in self.requests]
        return {
            "message": self.id, "at": wall, "reason": self.reason, "detail": self.detail,
            "requests": [{**one, "Id": name} for one, name in zip(named, self.senders, strict=True)],
        }  # fmt: skip


def read(message_id: str, body: str) -> Letter:
    """A letter of the function, an event that the stream gave up, or a message that the queue gave up."""
    value = value_of(text_of(body))
    if isinstance(value, dict) and isinstance(value.get("Request"), dict) and "Reason" in value:
        return _letter(message_id, str(value["Reason"]), str(value.get("Detail") or ""), value["Request"])
    data = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, dict) and "messageBody" in data:
        inner = data["messageBody"]
        said = value_of(text_of(inner)) if isinstance(inner, str) else inner
        plain = text_of(inner) if isinstance(inner, str) else json_text(inner)
        return _letter(str(data.get("messageId") or message_id), UNDELIVERED, "", said, plain, message_id)
    return _letter(message_id, UNDELIVERED, "", value, text_of(body))


def _letter(origin: str, reason: str, detail: str, said: Value, plain: str = "", message_id: str = "") -> Letter:
    found = requests_in(said, origin)
    again = json_text(_anew(said)) if isinstance(said, dict | list) else plain
    return Letter(message_id or origin, reason, detail, tuple(found.values()), tuple(found), again)


def _anew(said: Value) -> Value:
    """Requests whose attempts begin again. `Tried` stays: a create call of theirs may have had its effect."""
    if isinstance(said, list):
        return [_anew(one) for one in said]
    return {name: value for name, value in said.items() if name != "Attempt"} if isinstance(said, dict) else said


def listed(service: MessageService, queue: str, most: int) -> list[dict[str, object]]:
    """The letters that lie in a queue, left as they are, the oldest first."""
    return [read(one.id, one.body).shown(one.enqueued / 1000) for one in service.peek(queue, most)]


@dataclass(frozen=True)
class Replayed:
    """Letters that were sent again; and those that the request queue did not take, which stay, with its reason."""

    replayed: list[str]
    refused: dict[str, str]


def replay(service: MessageService, queue: str, requests: str, names: frozenset[str] | None) -> Replayed:
    """Send letters again, all or those named. Sent first, deleted after: none is lost."""
    done = Replayed([], {})
    for message in service.receive(queue, service.depths(queue).active, HIDDEN):
        if names is None or message.id in names:
            _again(service, queue, requests, message, done)
        if message.id not in done.replayed:
            service.change_visibility(queue, message.handle, 0)
    return done


def _again(service: MessageService, queue: str, requests: str, message: Message, done: Replayed) -> None:
    try:
        service.send(requests, encoded(read(message.id, message.body).again))
    except SmqError as error:
        done.refused[message.id] = error.text
        return
    service.delete(queue, message.handle)
    done.replayed.append(message.id)
