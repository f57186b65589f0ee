"""Delivers a topic's messages: to a queue at once, to functions and HTTP subscribers until they accept or the retries end.

Messages that are not delivered yet are kept in the database, so that a restart goes on with them.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from emulator import client
from emulator.clock import Clock
from emulator.database import Database
from emulator.smq.errors import NotFound, SmqError
from emulator.smq.messages import PROPERTIES, Draft
from emulator.smq.notifications import Publication, build_headers, write_notification
from emulator.smq.retries import pause
from emulator.smq.topics import Subscription, Topics

TIMEOUT = 5
"""Seconds that an HTTP subscriber has for its answer."""

Receiver = Callable[[bytes], Awaitable[bool]]
"""Calls a subscriber that is no URL, such as a function's trigger; returns True if it accepted the notification."""
Send = Callable[[str, Draft], object]
"""Puts a message into a queue. Raises: SmqError."""

_log = logging.getLogger(__name__)


class Pusher:
    """Delivers publications to subscriptions. `receivers` holds the subscribers in this process, by endpoint."""

    def __init__(self, database: Database, topics: Topics, send: Send, *, account: str, clock: Clock) -> None:
        self.receivers: dict[str, Receiver] = {}
        self._database = database
        self._topics = topics
        self._send = send
        self._account = account
        self._clock = clock
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def publish(self, publication: Publication) -> None:
        """Deliver a publication to all subscriptions whose filter it passes: to queues at once, to others by tasks."""
        left = []
        with self._database.transaction():
            for subscription in self._topics.subscriptions(publication.topic):
                if subscription.filter_tag in ("", publication.tag):
                    if subscription.queue is None:
                        left.append((subscription.name, 0))
                    elif not self._send_to_queue(publication, subscription.queue, subscription):
                        left.append((subscription.name, 1))
            self._keep(publication, left)
        for name, failures in left:
            self._start(publication, name, failures)

    def resume(self) -> None:
        """Go on with the messages that are not delivered yet; to be called inside the loop."""
        for row in self._database.rows("SELECT * FROM pushes JOIN publications ON publication = id"):
            publication = Publication(
                id=row["id"],
                topic=row["topic"],
                body=row["body"],
                published=row["published"],
                tag=row["tag"],
                attributes=json.loads(row["attributes"]),
                properties=PROPERTIES.validate_json(row["properties"]),
            )
            self._start(publication, row["subscription"], row["failures"])

    def waiting(self, topic: str) -> int:
        """Count a topic's messages that are not delivered to everyone."""
        [row] = self._database.rows("SELECT count(*) AS waiting FROM publications WHERE topic = ?", (topic,))
        return int(row["waiting"])

    async def stop(self) -> None:
        """End the tasks; messages that are not delivered stay in the database."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, publication: Publication, left: list[tuple[str, int]]) -> None:
        if not left:
            return
        texts = json.dumps(dict(publication.attributes)), PROPERTIES.dump_json(publication.properties).decode()
        self._database.change(
            "INSERT INTO publications VALUES (?, ?, ?, ?, ?, ?, ?)",
            (publication.id, publication.topic, publication.body, publication.tag, *texts, publication.published),
        )
        for push in left:
            self._database.change("INSERT INTO pushes VALUES (?, ?, ?)", (publication.id, *push))

    def _start(self, publication: Publication, subscription: str, failures: int) -> None:
        key = (publication.id, subscription)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # Published before the cloud runs: resume() starts it.
        if key not in self._tasks:
            self._tasks[key] = loop.create_task(self._deliver(publication, subscription, failures))
            self._tasks[key].add_done_callback(lambda _task: self._tasks.pop(key, None))

    async def _deliver(self, publication: Publication, name: str, failures: int) -> None:
        """Try until the notification is accepted, the retries end, or the subscription is removed."""
        while (subscription := self._find(publication, name)) is not None:
            if failures:
                seconds = pause(subscription.strategy, failures, self._clock.random)
                if seconds is None:
                    _log.warning("message %s given up for subscription %s", publication.id, name)
                    break
                await self._clock.sleep(seconds * self._clock.scale)
                if self._find(publication, name) is None:
                    break
            if await self._try(publication, subscription):
                break
            failures += 1
            self._database.change(
                "UPDATE pushes SET failures = ? WHERE publication = ? AND subscription = ?",
                (failures, publication.id, name),
            )
        with self._database.transaction():
            values = (publication.id, name)
            self._database.change("DELETE FROM pushes WHERE publication = ? AND subscription = ?", values)
            self._database.change("DELETE FROM publications WHERE id NOT IN (SELECT publication FROM pushes)")

    def _find(self, publication: Publication, name: str) -> Subscription | None:
        try:
            return self._topics.subscription(publication.topic, name)
        except NotFound:
            return None

    async def _try(self, publication: Publication, subscription: Subscription) -> bool:
        """Try to deliver once, and return True if it was accepted."""
        if subscription.queue is not None:
            return self._send_to_queue(publication, subscription.queue, subscription)
        body = write_notification(publication, subscription, self._account).encode()
        if subscription.to_function:
            receiver = self.receivers.get(subscription.endpoint)
            return receiver is not None and await receiver(body)
        return await _post(subscription.endpoint, build_headers(publication, subscription, self._account), body)

    def _send_to_queue(self, publication: Publication, queue: str, subscription: Subscription) -> bool:
        body = write_notification(publication, subscription, self._account)
        try:
            self._send(queue, Draft(body, properties=publication.properties))
        except SmqError as error:
            _log.warning("queue %s did not accept message %s: %s", queue, publication.id, error.code)
            return False
        return True


async def _post(url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Send a POST, and return True if it was accepted. The URL was checked to be on this machine."""
    parts = urlsplit(url)
    target = parts._replace(path=parts.path or "/notifications").geturl()
    try:
        return 200 <= (await client.post(target, headers, body, TIMEOUT)).status < 300
    except OSError:
        return False
