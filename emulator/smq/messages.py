"""SMQ messages, as they are sent and as their queue holds them. Times in unix milliseconds."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from emulator.smq.errors import InvalidArgument
from emulator.smq.limits import LIMITS, Limit
from emulator.xml import UNFIT

_PRIORITIES = Limit(1, 16)


@dataclass(frozen=True)
class Property:
    """A property of a message, as sent: `type` is STRING, NUMBER, BOOLEAN or BINARY (base64)."""

    name: str
    value: str
    type: str = "STRING"


@dataclass(frozen=True)
class Properties:
    """The properties of a message, and its group."""

    user: tuple[Property, ...] = ()
    system: tuple[Property, ...] = ()
    group: str = ""


PROPERTIES = TypeAdapter(Properties)


@dataclass(frozen=True)
class Draft:
    """A message to send; `delay` in seconds, None for the queue's; priority 1 (first) to 16."""

    body: str
    delay: int | None = None
    priority: int = 8
    properties: Properties = field(default_factory=Properties)

    def check(self, largest: int) -> None:
        """Raises: InvalidArgument."""
        check_body(self.body, largest)
        _PRIORITIES.check("Priority", self.priority)
        if self.delay is not None:
            LIMITS["DelaySeconds"].check("DelaySeconds", self.delay)


@dataclass(frozen=True)
class Message:
    """A message as its queue holds it; `handle` is its last receiver's, and empty before the first.

    `first_dequeued` is the time when the message was sent, until somebody receives it.
    """

    sequence: int
    id: str
    body: str
    priority: int
    enqueued: int
    next_visible: int
    first_dequeued: int
    dequeue_count: int
    handle: str
    properties: Properties

    @property
    def md5(self) -> str:
        return body_md5(self.body)


@dataclass(frozen=True)
class Depths:
    """The numbers of messages that can be received now, that a receiver has, and that are delayed."""

    active: int = 0
    inactive: int = 0
    delayed: int = 0


def check_body(body: str, largest: int) -> None:
    """Raises: InvalidArgument: the body is empty, larger than `largest` bytes, or XML cannot carry it."""
    if not body or UNFIT.search(body):
        raise InvalidArgument("The value of MessageBody is empty, or has a character that XML cannot carry.")
    Limit(1, largest).check("MessageBody", len(body.encode()))


def check_batch(bodies: Sequence[str]) -> None:
    """Raises: InvalidArgument: not 1 to 16 bodies, or more than 64 KiB in all (SMQ, "BatchSendMessage")."""
    Limit(1, 16).check("Message", len(bodies))
    Limit(0, 65_536).check("Messages", sum(len(body.encode()) for body in bodies))


def body_md5(body: str) -> str:
    """Return MessageBodyMD5, of the text as it stands in the XML."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest().upper()
