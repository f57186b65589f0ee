"""Dead letters: what was given up, by whom, and how it is sent again."""

import json
from typing import NamedTuple

from cli.clients import http
from cli.clients.smq import Received
from cli.records import DeadLetter
from handler.envelopes import Place
from handler.messages import read_body, replay
from handler.texts import Flaw

UNDELIVERED = "undelivered"
"""The reason of letters that carry none: EventBridge or SMQ gave them up before the function finished them."""


class Letter(NamedTuple):
    """A dead letter, and the bodies of the messages that send it again."""

    record: DeadLetter
    bodies: tuple[str, ...]


def read(message: Received) -> Letter:
    """Read a letter of the function (with its reason), an event that EventBridge gave up, or a message that SMQ gave up.

    Its requests are those that the function would find in it, with the Ids that they have by their messages, and attempts
    counted from 1. Each is sent again in a message of its own; a letter that cannot be read, as it is.
    """
    parts = read_body(message.body, Place(message.id, is_named=False, source="smq")).parts
    values = [
        replay(part.value) if isinstance(part.value, dict) and not part.place.replays else part.value for part in parts
    ]
    requests = tuple(value for value in values if isinstance(value, dict))
    readable = any("ProductKey" in each for each in requests) and not any(isinstance(value, Flaw) for value in values)
    bodies = tuple(json.dumps(value, ensure_ascii=False) for value in values) if readable else (message.body,)
    letter = http.json_value(message.body)
    if not isinstance(letter, dict) or not {"Request", "Reason"} <= letter.keys():
        letter = {"Reason": UNDELIVERED, "Detail": "given up before it was finished"}
    record = DeadLetter(message.id, str(letter["Reason"]), str(letter.get("Detail") or ""), requests)
    return Letter(record, bodies)
