"""A topic's deliveries: to a queue at once, to functions and HTTP subscribers until they take it or the retries end.

What is not delivered yet lies in the database, so that a restart goes on with it.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from emulator.smq.errors import NotFound, SmqError
from emulator.smq.messages import Draft, Messages, properties_of
from emulator.smq.notifications import Publication, headers, notification
from emulator.smq.retries import pause
from emulator.smq.store import Database, Row
from emulator.smq.topics import Subscription, Topics

TIMEOUT = 5
"""Seconds that an HTTP subscriber has for its answer."""

Receiver = Callable[[bytes], Awaitable[bool]]
"""A subscriber inside this process, such as a function's trigger: whether it took the notification."""
Post = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""Sends a POST and gives the status; 0 where no answer came."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Push:
    """A publication on its way to one subscription, and how often it failed."""

    publication: Publication
    subscription: str
    failures: int = 0


@dataclass(frozen=True)
class Outside:
    """What pushing needs of the world; `scale` shortens or lengthens the waits between tries."""

    post: Post
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    scale: float = 1.0


class Pusher:
    """Delivers what is published. `receivers` holds the subscribers in this process, by endpoint."""

    def __init__(
        self, database: Database, topics: Topics, messages: Messages, *, account: str, outside: Outside
    ) -> None:
        self.receivers: dict[str, Receiver] = {}
        self._database = database
        self._topics = topics
        self._messages = messages
        self._account = account
        self._outside = outside
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def publish(self, publication: Publication) -> list[str]:
        """Hand a publication to all subscriptions whose filter it passes; the names of the queues that have it now."""
        wanted = [
            one for one in self._topics.subscriptions(publication.topic) if one.filter_tag in ("", publication.tag)
        ]
        with self._database.transaction():
            queued = [one for one in wanted if self._queue(publication, one)]
            pushes = [Push(publication, one.name, int(one.queue is not None)) for one in wanted if one not in queued]
            self._keep(publication, pushes)
        for push in pushes:
            self._start(push)
        return [one.queue for one in queued if one.queue]

    def resume(self) -> None:
        """Go on with what was not delivered yet; to be called inside the loop."""
        for row in self._database.rows("SELECT * FROM pushes JOIN publications ON publication = id"):
            self._start(Push(_publication(row), row["subscription"], row["failures"]))

    def waiting(self, topic: str) -> int:
        """How many of a topic's messages are not delivered to everyone."""
        rows = self._database.rows("SELECT count(*) AS waiting FROM publications WHERE topic = ?", (topic,))
        return int(rows[0]["waiting"])

    async def stop(self) -> None:
        """Leave off; what is not delivered stays in the database."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, publication: Publication, pushes: list[Push]) -> None:
        if not pushes:
            return
        texts = json.dumps(dict(publication.attributes)), json.dumps(asdict(publication.properties))
        self._database.insert(
            "INSERT INTO publications VALUES (?, ?, ?, ?, ?, ?, ?)",
            (publication.id, publication.topic, publication.body, publication.tag, *texts, publication.published),
        )
        for push in pushes:
            self._database.insert(
                "INSERT INTO pushes VALUES (?, ?, ?)", (publication.id, push.subscription, push.failures)
            )

    def _start(self, push: Push) -> None:
        key = (push.publication.id, push.subscription)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # Published before the cloud runs: resume() comes to it.
        if key not in self._tasks:
            self._tasks[key] = loop.create_task(self._deliver(push))
            self._tasks[key].add_done_callback(lambda _task: self._tasks.pop(key, None))

    async def _deliver(self, push: Push) -> None:
        failures = push.failures
        while (seconds := self._wait(push, failures)) is not None:
            await self._outside.sleep(seconds)
            if await self._delivered(push):
                break
            failures += 1
            self._database.changed(
                "UPDATE pushes SET failures = ? WHERE publication = ? AND subscription = ?",
                (failures, push.publication.id, push.subscription),
            )
        self._forget(push)

    def _wait(self, push: Push, failures: int) -> float | None:
        """Seconds until the next try; None when there is none to come."""
        if not failures:
            return 0.0
        try:
            strategy = self._topics.subscription(push.publication.topic, push.subscription).strategy
        except NotFound:
            return None
        seconds = pause(strategy, failures, self._outside.random)
        if seconds is None:
            _log.warning("message %s given up for subscription %s", push.publication.id, push.subscription)
            return None
        return seconds * self._outside.scale

    async def _delivered(self, push: Push) -> bool:
        """Whether nothing is left to do: taken, or nobody wants it any more."""
        try:
            subscription = self._topics.subscription(push.publication.topic, push.subscription)
        except NotFound:
            return True
        if subscription.queue:
            return self._queue(push.publication, subscription)
        body = notification(push.publication, subscription, self._account).encode()
        if subscription.to_function:
            receiver = self.receivers.get(subscription.endpoint)
            return receiver is not None and await receiver(body)
        status = await self._outside.post(
            subscription.endpoint, headers(push.publication, subscription, self._account), body
        )
        return 200 <= status < 300

    def _queue(self, publication: Publication, subscription: Subscription) -> bool:
        if subscription.queue is None:
            return False
        body = notification(publication, subscription, self._account)
        try:
            self._messages.send(subscription.queue, Draft(body, properties=publication.properties))
        except SmqError as error:
            _log.warning("queue %s did not take message %s: %s", subscription.queue, publication.id, error.code)
            return False
        return True

    def _forget(self, push: Push) -> None:
        with self._database.transaction():
            self._database.changed(
                "DELETE FROM pushes WHERE publication = ? AND subscription = ?",
                (push.publication.id, push.subscription),
            )
            self._database.changed(
                "DELETE FROM publications WHERE id = ? AND id NOT IN (SELECT publication FROM pushes)",
                (push.publication.id,),
            )


async def post(url: str, fields: Mapping[str, str], body: bytes) -> int:
    """POST over a connection of its own. Whoever subscribes was checked to be on this machine."""
    return await asyncio.to_thread(_post, url, fields, body)


def _post(url: str, fields: Mapping[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    target = (parts.path or "/notifications") + (f"?{parts.query}" if parts.query else "")
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        # A tag may have letters that latin-1 lacks.
        connection.request("POST", target, body, {name: value.encode() for name, value in fields.items()})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def _publication(row: Row) -> Publication:
    return Publication(
        id=row["id"],
        topic=row["topic"],
        body=row["body"],
        published=row["published"],
        tag=row["tag"],
        attributes=json.loads(row["attributes"]),
        properties=properties_of(row["properties"]),
    )
