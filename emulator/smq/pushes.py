"""Delivers a topic's messages: to a queue at once, to functions and HTTP subscribers until they accept or the retries end.

Messages that are not delivered yet are kept in the database, so that a restart goes on with them.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from emulator import client
from emulator.clock import Clock
from emulator.smq.errors import NotFound, SmqError
from emulator.smq.messages import PROPERTIES, Draft
from emulator.smq.notifications import Publication, headers, notification
from emulator.smq.retries import pause
from emulator.smq.store import Database
from emulator.smq.topics import Subscription, Topics

TIMEOUT = 5
"""Seconds that an HTTP subscriber has for its answer."""

Receiver = Callable[[bytes], Awaitable[bool]]
"""Calls a subscriber that is no URL, such as a function's trigger; returns True if it accepted the notification."""
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Sends a POST and returns the status; 0 where no answer came."""
Send = Callable[[str, Draft], object]
"""Puts a message into a queue. Raises: SmqError."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Push:
    """A publication on its way to one subscription."""

    publication: Publication
    subscription: str
    failures: int = 0


class Pusher:
    """Delivers publications to subscriptions. `receivers` holds the subscribers in this process, by endpoint."""

    def __init__(
        self, database: Database, topics: Topics, send: Send, *, account: str, clock: Clock, post: Post
    ) -> None:
        self.receivers: dict[str, Receiver] = {}
        self._database = database
        self._topics = topics
        self._send = send
        self._account = account
        self._clock = clock
        self._post = post
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def publish(self, publication: Publication) -> None:
        """Deliver a publication to all subscriptions whose filter it passes: to queues at once, to others by tasks."""
        subscriptions = self._topics.subscriptions(publication.topic)
        with self._database.transaction():
            pushes = [
                Push(publication, subscription.name, int(subscription.queue is not None))
                for subscription in subscriptions
                if subscription.filter_tag in ("", publication.tag)
                and not self._send_to_queue(publication, subscription)
            ]
            self._keep(publication, pushes)
        for push in pushes:
            self._start(push)

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
            self._start(Push(publication, row["subscription"], row["failures"]))

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

    def _keep(self, publication: Publication, pushes: list[Push]) -> None:
        if not pushes:
            return
        texts = json.dumps(dict(publication.attributes)), PROPERTIES.dump_json(publication.properties).decode()
        self._database.change(
            "INSERT INTO publications VALUES (?, ?, ?, ?, ?, ?, ?)",
            (publication.id, publication.topic, publication.body, publication.tag, *texts, publication.published),
        )
        for push in pushes:
            self._database.change(
                "INSERT INTO pushes VALUES (?, ?, ?)", (publication.id, push.subscription, push.failures)
            )

    def _start(self, push: Push) -> None:
        key = (push.publication.id, push.subscription)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # Published before the cloud runs: resume() starts it.
        if key not in self._tasks:
            self._tasks[key] = loop.create_task(self._deliver(push))
            self._tasks[key].add_done_callback(lambda _task: self._tasks.pop(key, None))

    async def _deliver(self, push: Push) -> None:
        failures = push.failures
        while (seconds := self._wait(push, failures)) is not None:
            await self._clock.sleep(seconds)
            if await self._try(push):
                break
            failures += 1
            self._database.change(
                "UPDATE pushes SET failures = ? WHERE publication = ? AND subscription = ?",
                (failures, push.publication.id, push.subscription),
            )
        self._forget(push)

    def _wait(self, push: Push, failures: int) -> float | None:
        """Return the seconds until the next try; None when there is none."""
        if not failures:
            return 0.0
        try:
            strategy = self._topics.subscription(push.publication.topic, push.subscription).strategy
        except NotFound:
            return None
        seconds = pause(strategy, failures, self._clock.random)
        if seconds is None:
            _log.warning("message %s given up for subscription %s", push.publication.id, push.subscription)
            return None
        return seconds * self._clock.scale

    async def _try(self, push: Push) -> bool:
        """Try to deliver; return True if nothing is left to do: it was accepted, or the subscription is gone."""
        try:
            subscription = self._topics.subscription(push.publication.topic, push.subscription)
        except NotFound:
            return True
        if subscription.queue:
            return self._send_to_queue(push.publication, subscription)
        body = notification(push.publication, subscription, self._account).encode()
        if subscription.to_function:
            receiver = self.receivers.get(subscription.endpoint)
            return receiver is not None and await receiver(body)
        status = await self._post(subscription.endpoint, headers(push.publication, subscription, self._account), body)
        return 200 <= status < 300

    def _send_to_queue(self, publication: Publication, subscription: Subscription) -> bool:
        if subscription.queue is None:
            return False
        body = notification(publication, subscription, self._account)
        try:
            self._send(subscription.queue, Draft(body, properties=publication.properties))
        except SmqError as error:
            _log.warning("queue %s did not take message %s: %s", subscription.queue, publication.id, error.code)
            return False
        return True

    def _forget(self, push: Push) -> None:
        with self._database.transaction():
            self._database.change(
                "DELETE FROM pushes WHERE publication = ? AND subscription = ?",
                (push.publication.id, push.subscription),
            )
            self._database.change(
                "DELETE FROM publications WHERE id = ? AND id NOT IN (SELECT publication FROM pushes)",
                (push.publication.id,),
            )


async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Send a POST, and return the status; 0 where no answer came. The URL was checked to be on this machine."""
    parts = urlsplit(url)
    target = parts._replace(path=parts.path or "/notifications").geturl()
    try:
        return (await client.post(target, headers, body, TIMEOUT)).status
    except OSError:
        return 0
