"""SMQ on one machine: queues and topics as plain methods; `emulator.smq.api.app` puts them on the wire.

Everything runs on one event loop. Times are in seconds.
"""

import asyncio
import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from anyio import move_on_after

from emulator.clock import Clock
from emulator.database import Database
from emulator.ram.keys import Accounts
from emulator.records import Deleted, Published, Records, Sent
from emulator.smq.errors import SmqError
from emulator.smq.limits import LIMITS, Limit
from emulator.smq.messages import PROPERTIES, Depths, Draft, Message, Properties, Property, check_body
from emulator.smq.notifications import Publication
from emulator.smq.pushes import Pusher
from emulator.smq.queues import DlqPolicy, QueueAttributes, Queues
from emulator.smq.store import SCHEMA
from emulator.smq.topics import Topics, check_tag

_COLUMNS = (
    "sequence, id, body, priority, enqueued, visible AS next_visible,"
    " iif(dequeued, first_dequeued, enqueued) AS first_dequeued, dequeued AS dequeue_count, handle, properties"
)
"""The columns of a `Message`."""
_HANDLE = re.compile(r"(\d{1,18})-[0-9a-f]{32}")
_NEW_HANDLE = "sequence || '-' || lower(hex(randomblob(16)))"


class MessageService:
    """The queues and topics of one account in one region; `path` is a SQLite file, or `:memory:`.

    The clock's scale multiplies the waits between a topic's retries, `delay_scale` the delays that senders ask for.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        path: str = ":memory:",
        region: str = "cn-shanghai",
        clock: Clock | None = None,
        delay_scale: float = 1.0,
        records: Records | None = None,
        tells_depths: Callable[[], bool] = lambda: True,
    ) -> None:
        self.accounts = accounts
        self.region = region
        self.tells_depths = tells_depths
        """False where GetQueueAttributes says 0 for the number of messages, as the service soon will."""
        clock = clock or Clock()
        self._wall = clock.wall
        self._delay_scale = delay_scale
        self._database = Database(path, SCHEMA)
        self._events: set[asyncio.Event] = set()
        self.queues = Queues(self._database, clock.wall)
        self.records = records or Records()
        self.topics = Topics(self._database, clock.wall)
        self.pusher = Pusher(self._database, self.topics, self._accept, account=accounts.account_id, clock=clock)

    def arn(self, path: str) -> str:
        """Return the ARN of `queues/NAME` or `topics/NAME`."""
        return f"acs:mns:{self.region}:{self.accounts.account_id}:/{path}"

    # Queues

    def create_queue(self, name: str, **attributes: Any) -> bool:  # noqa: ANN401 - the dataclass has their types
        """Create a queue with some `QueueAttributes`, and return True if it is new. Raises: Conflict, SmqError."""
        return self.queues.create(name, QueueAttributes(**attributes))

    def delete_queue(self, name: str) -> None:
        """Delete a queue and its messages; calls that wait for one end."""
        self.queues.remove(name)
        self.wake()

    def depths(self, queue: str) -> Depths:
        """Count the messages of a queue. Raises: NotFound."""
        self.queues.get(queue)
        self._settle()
        [row] = self._database.rows(
            "SELECT count(*) FILTER (WHERE visible <= :now) AS active,"
            " count(*) FILTER (WHERE visible > :now AND dequeued > 0) AS inactive,"
            " count(*) FILTER (WHERE visible > :now AND dequeued = 0) AS delayed FROM messages WHERE queue = :queue",
            {"now": self._now(), "queue": queue},
        )
        return Depths(**row)

    # Messages

    def send(
        self, queue: str, body: str, delay: int | None = None, priority: int = 8, properties: Properties | None = None
    ) -> str:
        """Send a body as it is (the official SDK's receivers expect base64); return the message's id.

        Raises: NotFound, InvalidArgument.
        """
        return self.put(queue, Draft(body, delay, priority, properties or Properties())).id

    def put(self, queue: str, draft: Draft) -> Message:
        """Send a message, and record it. Raises: NotFound, InvalidArgument."""
        message = self._accept(queue, draft)
        self.records.add(Sent(queue, message.id, draft.body, self.records.now()))
        return message

    def receive(self, queue: str, count: int = 1, visibility: int | None = None) -> list[Message]:
        """Return up to `count` visible messages, hidden from others for `visibility` seconds (None: the queue's).

        Raises: NotFound.
        """
        attributes = self.queues.get(queue).attributes
        seconds = attributes.visibility_timeout if visibility is None else visibility
        with self._database.transaction():
            self._settle()
            now = self._now()
            rows = self._database.rows(
                f"UPDATE messages SET visible = ?, first_dequeued = iif(dequeued, first_dequeued, ?),"
                f" dequeued = dequeued + 1, handle = {_NEW_HANDLE} WHERE sequence IN"
                " (SELECT sequence FROM messages WHERE queue = ? AND visible <= ? ORDER BY priority, sequence LIMIT ?)"
                f" RETURNING {_COLUMNS}",
                (now + seconds * 1000, now, queue, now, count),
            )
        return sorted(map(_message, rows), key=lambda message: (message.priority, message.sequence))

    async def wait_receive(
        self, queue: str, count: int, seconds: float, visibility: int | None = None
    ) -> list[Message]:
        """`receive`, waiting up to `seconds` for the first message. Raises: NotFound."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            messages = self.receive(queue, count, visibility)
            left = until - loop.time()
            if messages or left <= 0:
                return messages
            await self._wait(min(left, max(self._next_visible(queue), 0.001)))

    def peek(self, queue: str, count: int = 1) -> list[Message]:
        """Return up to `count` visible messages, and leave them visible. Raises: NotFound."""
        self.queues.get(queue)
        self._settle()
        condition = "queue = ? AND visible <= ? ORDER BY priority, sequence LIMIT ?"
        return self._select(condition, queue, self._now(), count)

    def delete(self, queue: str, receipt_handle: str) -> None:
        """Delete a received message. Raises: SmqError: there is no such queue or message, or the handle is not valid."""
        message = self._find(queue, receipt_handle)
        self._database.change("DELETE FROM messages WHERE sequence = ?", (message.sequence,))
        self.records.add(Deleted(queue, message.id, self.records.now()))

    def purge(self, queue: str) -> int:
        """Delete the messages that no receiver has, delayed ones too; return their number. Raises: NotFound."""
        self.queues.get(queue)
        self._settle()
        rows = self._database.rows(
            "DELETE FROM messages WHERE queue = ? AND (visible <= ? OR dequeued = 0) RETURNING id", (queue, self._now())
        )
        for row in rows:
            self.records.add(Deleted(queue, row["id"], self.records.now()))
        return len(rows)

    def change_visibility(self, queue: str, receipt_handle: str, seconds: int) -> Message:
        """Make a received message visible in `seconds`; its new handle replaces the old one.

        Raises: SmqError: there is no such queue or message, or the handle or the time is not valid.
        """
        Limit(0, LIMITS["VisibilityTimeout"].highest).check("VisibilityTimeout", seconds)
        message = self._find(queue, receipt_handle)
        [row] = self._database.rows(
            f"UPDATE messages SET visible = ?, handle = {_NEW_HANDLE} WHERE sequence = ? RETURNING {_COLUMNS}",
            (self._now() + seconds * 1000, message.sequence),
        )
        self.wake()
        return _message(row)

    def _accept(self, queue: str, draft: Draft) -> Message:
        """Send a message without recording it."""
        attributes = self.queues.get(queue).attributes
        draft.check(attributes.maximum_message_size)
        delay = attributes.delay_seconds if draft.delay is None else draft.delay
        now = self._now()
        visible = now + int(delay * 1000 * self._delay_scale)
        message = self._insert(queue, draft, now, visible, attributes.message_retention_period)
        self.wake()
        return message

    def _insert(self, queue: str, draft: Draft, enqueued: int, visible: int, retention: int) -> Message:
        [row] = self._database.rows(
            "INSERT INTO messages (id, queue, body, priority, enqueued, expires, visible, first_dequeued, dequeued,"
            f" handle, properties) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '', ?) RETURNING {_COLUMNS}",
            (
                secrets.token_hex(16).upper(),
                queue,
                draft.body,
                draft.priority,
                enqueued,
                enqueued + retention * 1000,
                visible,
                PROPERTIES.dump_json(draft.properties).decode(),
            ),
        )
        return _message(row)

    def _find(self, queue: str, receipt_handle: str) -> Message:
        """Return the message that a handle belongs to. Raises: SmqError."""
        self.queues.get(queue)
        match = _HANDLE.fullmatch(receipt_handle)
        if match is None:
            raise SmqError(400, "ReceiptHandleError", "The receipt handle you provide is not valid.")
        messages = self._select("sequence = ? AND queue = ? AND expires > ?", match[1], queue, self._now())
        if not messages:
            raise SmqError(404, "MessageNotExist", "Message not exist.")
        [message] = messages
        if message.handle != receipt_handle or message.next_visible <= self._now():
            raise SmqError(400, "ReceiptHandleError", "The receipt handle you provide has expired.")
        return message

    def _select(self, condition: str, *values: object) -> list[Message]:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM messages WHERE {condition}", values)
        return [_message(row) for row in rows]

    def _next_visible(self, queue: str) -> float:
        """Return the seconds until the next message becomes visible by time alone; infinity while there is none.

        A delay or a visibility timeout ends, in this queue or in one that dead-letters into it.
        """
        policies = self.queues.dlq_policies().items()
        names = [queue, *(name for name, policy in policies if policy.dead_letter_target_queue == queue)]
        marks = ", ".join("?" * len(names))
        [row] = self._database.rows(
            f"SELECT min(visible) AS soonest FROM messages WHERE queue IN ({marks}) AND visible > ?",
            (*names, self._now()),
        )
        return float("inf") if row["soonest"] is None else row["soonest"] / 1000 - self._wall()

    def _settle(self) -> None:
        """Delete messages past their retention, and dead-letter those that were received too often."""
        with self._database.transaction():
            self._database.change("DELETE FROM messages WHERE expires <= ?", (self._now(),))
            for queue, policy in self.queues.dlq_policies().items():
                self._redrive(queue, policy)

    def _redrive(self, queue: str, policy: DlqPolicy) -> None:
        now = self._now()
        target = policy.dead_letter_target_queue
        rows = self._database.rows(
            f"DELETE FROM messages WHERE queue = ? AND visible <= ? AND dequeued >= ? RETURNING {_COLUMNS}",
            (queue, now, policy.max_receive_count),
        )
        for message in sorted(map(_message, rows), key=lambda message: message.sequence):
            letter = Draft(message.body, 0, message.priority, self._letter_properties(queue, message))
            # A dead letter keeps its age: its retention does not begin anew.
            retention = self.queues.get(target).attributes.message_retention_period
            self._insert(target, letter, message.enqueued, now, retention)

    def _letter_properties(self, queue: str, message: Message) -> Properties:
        # The names are those of the official SDK's SystemPropertyName.
        origin = Property("DLQSourceArn", self.arn(f"queues/{queue}")), Property("DLQOriginMessageId", message.id)
        kept = tuple(known for known in message.properties.system if not known.name.startswith("DLQ"))
        return Properties(message.properties.user, (*kept, *origin), message.properties.group)

    def _now(self) -> int:
        """Return the service's time in unix milliseconds."""
        return int(self._wall() * 1000)

    # Topics

    def publish(
        self,
        topic: str,
        body: str,
        tag: str = "",
        attributes: Mapping[str, str] | None = None,
        properties: Properties | None = None,
    ) -> str:
        """Publish a body to every subscription whose filter it passes; return the message's id.

        Queues have it when this returns; HTTP subscribers and functions get it from tasks of the running loop.
        Raises: NotFound, InvalidArgument.
        """
        check_body(body, self.topics.get(topic).attributes.maximum_message_size)
        check_tag(tag)
        publication = Publication(
            secrets.token_hex(16).upper(), topic, body, self._now(), tag, attributes or {}, properties or Properties()
        )
        self.records.add(Published(topic, body, tag, self.records.now()))
        self.pusher.publish(publication)
        return publication.id

    # Life

    def wake(self) -> None:
        """Let every call that waits for a message look again; also to be called when the clock was moved."""
        for event in self._events:
            event.set()

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a message."""
        return len(self._events)

    def close(self) -> None:
        """Close the database; nothing may be called after it."""
        self._database.close()

    async def _wait(self, seconds: float) -> None:
        event = asyncio.Event()
        self._events.add(event)
        try:
            with move_on_after(seconds):
                await event.wait()
        finally:
            self._events.discard(event)


def _message(row: sqlite3.Row) -> Message:
    return Message(**{**row, "properties": PROPERTIES.validate_json(row["properties"])})
