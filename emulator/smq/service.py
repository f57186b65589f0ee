"""SMQ on one machine: queues and topics as plain methods; `emulator.smq.api.app` puts them on the wire.

Everything runs on one event loop. Times are in seconds.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from emulator.clock import Clock
from emulator.ram.keys import Accounts
from emulator.records import Deleted, Published, Records, Sent
from emulator.smq.messages import Depths, Draft, Message, Messages, Properties, check_body
from emulator.smq.notifications import Publication
from emulator.smq.pushes import Pusher, Receiver, post
from emulator.smq.queues import QueueAttributes, Queues
from emulator.smq.store import Database
from emulator.smq.topics import XML, Subscription, TopicAttributes, Topics, check_tag


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
        """Whether GetQueueAttributes tells how many messages there are; else it says 0, as the service soon will."""
        clock = clock or Clock()
        wall = self._wall = clock.wall
        self._database = Database(path)
        self._events: set[asyncio.Event] = set()
        self.queues = Queues(self._database, wall)
        self.messages = Messages(self._database, self.queues, wall=wall, arn=self.queue_arn, delay_scale=delay_scale)
        self.records = records or Records()
        self.topics = Topics(self._database, wall)
        self.pusher = Pusher(
            self._database,
            self.topics,
            self.messages,
            account=accounts.account_id,
            clock=clock,
            post=post,
        )

    def queue_arn(self, queue: str) -> str:
        """The form that dead-letter settings and policies use."""
        return self.arn(f"queues/{queue}")

    def arn(self, path: str) -> str:
        return f"acs:mns:{self.region}:{self.accounts.account_id}:/{path}"

    # Queues

    def create_queue(self, name: str, **attributes: Any) -> bool:  # noqa: ANN401 - the dataclass has their types
        """Create a queue with some `QueueAttributes`; whether it is new. Raises: Conflict, BadRequest."""
        return self.queues.create(name, QueueAttributes(**attributes))

    def delete_queue(self, name: str) -> None:
        """Delete a queue and its messages; calls that wait for one end."""
        self.queues.remove(name)
        self.wake()

    def send(
        self,
        queue: str,
        body: str,
        delay: int | None = None,
        priority: int = 8,
        properties: Properties | None = None,
    ) -> str:
        """Send a body as it is (the official SDK's receivers expect base64); return the message's id.

        Raises: QueueNotExist, InvalidArgument.
        """
        return self.put(queue, Draft(body, delay, priority, properties or Properties())).id

    def put(self, queue: str, draft: Draft) -> Message:
        """Raises: QueueNotExist, InvalidArgument."""
        message = self.messages.send(queue, draft)
        self.records.add(Sent(queue, message.id, draft.body, self.records.now()))
        self.wake()
        return message

    def receive(self, queue: str, count: int = 1, visibility: int | None = None) -> list[Message]:
        """Return what is visible now, hidden from others for `visibility` seconds (None: the queue's).

        Raises: QueueNotExist.
        """
        return self.messages.receive(queue, count, visibility)

    async def wait_receive(
        self, queue: str, count: int, seconds: float, visibility: int | None = None
    ) -> list[Message]:
        """`receive`, waiting up to `seconds` for the first message. Raises: QueueNotExist."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            messages = self.receive(queue, count, visibility)
            left = until - loop.time()
            if messages or left <= 0:
                return messages
            soonest = self.messages.next_visible(queue)
            await self._woken(left if soonest is None else min(left, max(soonest, 0.001)))

    def peek(self, queue: str, count: int = 1) -> list[Message]:
        """Return what is visible now, and leave it visible. Raises: QueueNotExist."""
        return self.messages.peek(queue, count)

    def delete(self, queue: str, receipt_handle: str) -> None:
        """Raises: QueueNotExist, ReceiptHandleError, MessageNotExist."""
        deleted = self.messages.delete(queue, receipt_handle)
        self.records.add(Deleted(queue, deleted, self.records.now()))

    def purge(self, queue: str) -> int:
        """Delete what no receiver has in hand; return how many messages it was. Raises: QueueNotExist."""
        purged = self.messages.purge(queue)
        for message in purged:
            self.records.add(Deleted(queue, message, self.records.now()))
        return len(purged)

    def change_visibility(self, queue: str, receipt_handle: str, seconds: int) -> Message:
        """Make a received message visible in `seconds`; its new handle replaces the old one.

        Raises: QueueNotExist, ReceiptHandleError, MessageNotExist, InvalidArgument.
        """
        message = self.messages.change_visibility(queue, receipt_handle, seconds)
        self.wake()
        return message

    def depths(self, queue: str) -> Depths:
        """Raises: QueueNotExist."""
        return self.messages.depths(queue)

    # Topics

    def create_topic(self, name: str, maximum_message_size: int = 65_536, logging_enabled: bool = False) -> bool:
        """Create a topic; whether it is new. Raises: Conflict, BadRequest."""
        return self.topics.create(name, TopicAttributes(maximum_message_size, logging_enabled))

    def subscribe(
        self,
        topic: str,
        name: str,
        endpoint: str,
        filter_tag: str = "",
        notify_format: str = XML,
        strategy: str = "BACKOFF_RETRY",
    ) -> bool:
        """Add a `Subscription`; whether it is new. Raises: NotFound, Conflict, BadRequest."""
        return self.topics.subscribe(Subscription(topic, name, endpoint, filter_tag, notify_format, strategy))

    def register(self, endpoint: str, receiver: Receiver) -> None:
        """Set who is called with the notifications for a function's ARN."""
        self.pusher.receivers[endpoint] = receiver

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
        published = int(self._wall() * 1000)
        publication = Publication(
            secrets.token_hex(16).upper(), topic, body, published, tag, attributes or {}, properties or Properties()
        )
        self.records.add(Published(topic, body, tag, self.records.now()))
        self.pusher.publish(publication)
        self.wake()
        return publication.id

    # Life

    def wake(self) -> None:
        """Let every call that waits for a message look again; also to be called when the clock was moved."""
        for event in self._events:
            event.set()

    @property
    def waiting(self) -> int:
        """How many calls wait for a message."""
        return len(self._events)

    def resume(self) -> None:
        """Go on with what topics had not delivered when the service was stopped."""
        self.pusher.resume()

    def close(self) -> None:
        """Close the database; nothing may be called after it."""
        self._database.close()

    async def _woken(self, seconds: float) -> None:
        # Not wait_for(): before Python 3.12 it can swallow a cancellation that comes together with the event.
        event = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(seconds, event.set)
        self._events.add(event)
        try:
            await event.wait()
        finally:
            timer.cancel()
            self._events.discard(event)
