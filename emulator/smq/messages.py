"""SMQ messages: sent, seen by one receiver at a time, deleted or dead-lettered. Times in unix milliseconds."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field

from emulator.smq.errors import InvalidArgument, MessageNotExist, ReceiptHandleError
from emulator.smq.limits import LIMITS, Limit
from emulator.smq.queues import DlqPolicy, Queues
from emulator.smq.store import Database, Row

NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, even escaped: nobody could receive a message with it."""
_HANDLE = re.compile(r"(\d{1,18})-[0-9a-f]{32}")
_PRIORITIES = Limit(1, 16)


@dataclass(frozen=True)
class Property:
    """A property of a message, as sent: `type` is STRING, NUMBER, BOOLEAN or BINARY (base64)."""

    name: str
    value: str
    type: str = "STRING"


@dataclass(frozen=True)
class Properties:
    """What a message carries beside its body."""

    user: tuple[Property, ...] = ()
    system: tuple[Property, ...] = ()
    group: str = ""


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
    """A message as its queue holds it; `handle` is empty unless it was just received."""

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
    """How many messages can be received now, are with a receiver, and are delayed."""

    active: int = 0
    inactive: int = 0
    delayed: int = 0


class Messages:
    """The messages of all queues; `arn` names a queue for the property that a dead letter carries."""

    def __init__(
        self,
        database: Database,
        queues: Queues,
        *,
        wall: Callable[[], float],
        arn: Callable[[str], str],
        delay_scale: float = 1.0,
    ) -> None:
        self._database = database
        self._queues = queues
        self._wall = wall
        self._arn = arn
        self._delay_scale = delay_scale

    def send(self, queue: str, draft: Draft) -> Message:
        """Raises: QueueNotExist, InvalidArgument."""
        attributes = self._queues.get(queue).attributes
        draft.check(attributes.maximum_message_size)
        delay = attributes.delay_seconds if draft.delay is None else draft.delay
        now = self._now()
        return self._insert(
            queue, draft, now, now + int(delay * 1000 * self._delay_scale), attributes.message_retention_period
        )

    def receive(self, queue: str, count: int, visibility: int | None = None) -> list[Message]:
        """Return up to `count` visible messages, hidden from others for `visibility` seconds (None: the queue's)."""
        attributes = self._queues.get(queue).attributes
        seconds = attributes.visibility_timeout if visibility is None else visibility
        with self._database.transaction():
            self.settle()
            return [self._take(row, seconds) for row in self._visible(queue, count)]

    def peek(self, queue: str, count: int) -> list[Message]:
        """Return up to `count` visible messages, and leave them visible. Raises: QueueNotExist."""
        self._queues.get(queue)
        self.settle()
        return [_message(row) for row in self._visible(queue, count)]

    def delete(self, queue: str, handle: str) -> str:
        """Delete a message; return its id. Raises: QueueNotExist, ReceiptHandleError, MessageNotExist."""
        row = self._find(queue, handle)
        self._database.change("DELETE FROM messages WHERE sequence = ?", (row["sequence"],))
        return str(row["id"])

    def purge(self, queue: str) -> list[str]:
        """Delete what no receiver has in hand, delayed messages too; return the ids. Raises: QueueNotExist."""
        self._queues.get(queue)
        self.settle()
        free = "queue = ? AND (visible <= ? OR dequeued = 0)"
        with self._database.transaction():
            values = (queue, self._now())
            rows = self._database.rows(f"SELECT id FROM messages WHERE {free}", values)  # noqa: S608
            self._database.change(f"DELETE FROM messages WHERE {free}", values)  # noqa: S608
        return [str(row["id"]) for row in rows]

    def change_visibility(self, queue: str, handle: str, seconds: int) -> Message:
        """Make the message visible in `seconds` from now; its new handle replaces the old one.

        Raises: QueueNotExist, ReceiptHandleError, MessageNotExist, InvalidArgument.
        """
        Limit(0, LIMITS["VisibilityTimeout"].highest).check("VisibilityTimeout", seconds)
        row = self._find(queue, handle)
        return self._reveal_at(row, self._now() + seconds * 1000, row["first_dequeued"], row["dequeued"])

    def depths(self, queue: str) -> Depths:
        """Raises: QueueNotExist."""
        self._queues.get(queue)
        self.settle()
        now = self._now()
        row = self._database.rows(
            "SELECT count(*) FILTER (WHERE visible <= ?) AS active,"
            " count(*) FILTER (WHERE visible > ? AND dequeued > 0) AS inactive,"
            " count(*) FILTER (WHERE visible > ? AND dequeued = 0) AS delayed FROM messages WHERE queue = ?",
            (now, now, now, queue),
        )[0]
        return Depths(row["active"], row["inactive"], row["delayed"])

    def next_visible(self, queue: str) -> float | None:
        """Return the seconds until the next message becomes visible by time alone; None while there is none.

        A delay or a visibility timeout ends, in this queue or in one that dead-letters into it.
        """
        sources = [
            name for name, policy in self._queues.dlq_policies().items() if policy.dead_letter_target_queue == queue
        ]
        names = [queue, *sources]
        marks = ", ".join("?" * len(names))
        row = self._database.rows(
            f"SELECT min(visible) AS soonest FROM messages WHERE queue IN ({marks}) AND visible > ?",  # noqa: S608
            (*names, self._now()),
        )[0]
        return None if row["soonest"] is None else max(0.0, row["soonest"] / 1000 - self._wall())

    def settle(self) -> None:
        """Delete messages past their retention, and dead-letter those that were received too often."""
        with self._database.transaction():
            self._database.change("DELETE FROM messages WHERE expires <= ?", (self._now(),))
            for queue, policy in self._queues.dlq_policies().items():
                self._redrive(queue, policy)

    def _redrive(self, queue: str, policy: DlqPolicy) -> None:
        now = self._now()
        retention = self._queues.get(policy.dead_letter_target_queue).attributes.message_retention_period
        for row in self._database.rows(
            "SELECT * FROM messages WHERE queue = ? AND visible <= ? AND dequeued >= ? ORDER BY sequence",
            (queue, now, policy.max_receive_count),
        ):
            message = _message(row)
            letter = Draft(message.body, 0, message.priority, self._letter(queue, message))
            # A dead letter keeps its age: its retention does not begin anew.
            self._insert(policy.dead_letter_target_queue, letter, message.enqueued, now, retention)
            self._database.change("DELETE FROM messages WHERE sequence = ?", (row["sequence"],))

    def _letter(self, queue: str, message: Message) -> Properties:
        # The names are those of the official SDK's SystemPropertyName.
        origin = (Property("DLQSourceArn", self._arn(queue)), Property("DLQOriginMessageId", message.id))
        kept = tuple(known for known in message.properties.system if not known.name.startswith("DLQ"))
        return Properties(message.properties.user, (*kept, *origin), message.properties.group)

    def _visible(self, queue: str, count: int) -> list[Row]:
        return self._database.rows(
            "SELECT * FROM messages WHERE queue = ? AND visible <= ? ORDER BY priority, sequence LIMIT ?",
            (queue, self._now(), count),
        )

    def _take(self, row: Row, seconds: int) -> Message:
        now = self._now()
        return self._reveal_at(row, now + seconds * 1000, row["first_dequeued"] or now, row["dequeued"] + 1)

    def _reveal_at(self, row: Row, visible: int, first_dequeued: int, dequeued: int) -> Message:
        handle = f"{row['sequence']}-{secrets.token_hex(16)}"
        self._database.change(
            "UPDATE messages SET visible = ?, first_dequeued = ?, dequeued = ?, handle = ? WHERE sequence = ?",
            (visible, first_dequeued, dequeued, handle, row["sequence"]),
        )
        changes = {"visible": visible, "first_dequeued": first_dequeued, "dequeued": dequeued, "handle": handle}
        return _message({**row, **changes}, handle)

    def _find(self, queue: str, handle: str) -> Row:
        self._queues.get(queue)
        match = _HANDLE.fullmatch(handle)
        if match is None:
            raise ReceiptHandleError("The receipt handle you provide is not valid.")
        rows = self._database.rows(
            "SELECT * FROM messages WHERE sequence = ? AND queue = ? AND expires > ?", (match[1], queue, self._now())
        )
        if not rows:
            raise MessageNotExist("Message not exist.")
        if rows[0]["handle"] != handle or rows[0]["visible"] <= self._now():
            raise ReceiptHandleError("The receipt handle you provide has expired.")
        return rows[0]

    def _insert(self, queue: str, draft: Draft, now: int, visible: int, retention: int) -> Message:
        message = Message(_new_id(), draft.body, draft.priority, now, visible, now, 0, "", draft.properties)
        self._database.change(
            "INSERT INTO messages (id, queue, body, priority, enqueued, expires, visible, first_dequeued, dequeued,"
            " handle, properties) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '', ?)",
            (
                message.id,
                queue,
                message.body,
                message.priority,
                now,
                now + retention * 1000,
                visible,
                json.dumps(asdict(message.properties)),
            ),
        )
        return message

    def _now(self) -> int:
        return int(self._wall() * 1000)


def check_body(body: str, largest: int) -> None:
    """Raises: InvalidArgument: the body is empty, larger than `largest` bytes, or XML cannot carry it."""
    if not body or NOT_XML.search(body):
        raise InvalidArgument("The value of MessageBody is empty, or has a character that XML cannot carry.")
    Limit(1, largest).check("MessageBody", len(body.encode()))


def check_batch(bodies: Sequence[str]) -> None:
    """Raises: InvalidArgument: not 1 to 16 bodies, or more than 64 KiB in all (SMQ, "BatchSendMessage")."""
    Limit(1, 16).check("Message", len(bodies))
    Limit(0, 65_536).check("Messages", sum(len(body.encode()) for body in bodies))


def body_md5(body: str) -> str:
    """Return MessageBodyMD5, of the text as it stands in the XML."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest().upper()


def _new_id() -> str:
    return secrets.token_hex(16).upper()


def _message(row: Row, handle: str = "") -> Message:
    return Message(
        id=row["id"],
        body=row["body"],
        priority=row["priority"],
        enqueued=row["enqueued"],
        next_visible=row["visible"],
        # A message that nobody received yet shows the time when it was sent.
        first_dequeued=row["first_dequeued"] or row["enqueued"],
        dequeue_count=row["dequeued"],
        handle=handle,
        properties=load_properties(row["properties"]),
    )


def load_properties(text: str) -> Properties:
    values = json.loads(text)
    return Properties(_properties(values["user"]), _properties(values["system"]), values["group"])


def _properties(values: Iterable[dict[str, str]]) -> tuple[Property, ...]:
    return tuple(Property(**value) for value in values)
