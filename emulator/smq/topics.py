"""SMQ topics and who subscribes to them (SMQ, "CreateTopic", "Subscribe"). Times in unix seconds."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from emulator.smq.errors import BadRequest, Conflict, InvalidArgument, NotFound
from emulator.smq.limits import LARGEST_PAGE, LIMITS, Page, paged
from emulator.smq.retries import STRATEGIES
from emulator.smq.store import Database, Row

LONGEST_NAME = 255
LONGEST_TAG = 16

XML = "XML"
JSON = "JSON"
SIMPLIFIED = "SIMPLIFIED"
STREAM = "STREAM"
"""What a function's topic trigger gets: the body alone, or with its attributes in JSON."""
FORMATS = (XML, JSON, SIMPLIFIED, STREAM)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_QUEUE = re.compile(r"acs:mns:([^:]*):([^:]*):/?queues/([A-Za-z0-9-]+)")
_FUNCTION = re.compile(r"acs:fc:[^:]*:[^:]*:(services/[^/:]+/)?functions/[^/:]+")


@dataclass(frozen=True)
class TopicAttributes:
    """What may be set of a topic. Raises: InvalidArgument."""

    maximum_message_size: int = 65_536
    logging_enabled: bool = False

    def __post_init__(self) -> None:
        LIMITS["MaximumMessageSize"].check("MaximumMessageSize", self.maximum_message_size)


@dataclass(frozen=True)
class Topic:
    """A topic as it stands."""

    name: str
    attributes: TopicAttributes
    created: int
    modified: int


@dataclass(frozen=True)
class Subscription:
    """Sends a topic's messages to an `http` URL of this machine, or to the ARN of a queue or a function.

    With a filter tag, only messages with exactly that tag. Raises: BadRequest, InvalidArgument.
    """

    topic: str
    name: str
    endpoint: str
    filter_tag: str = ""
    notify_format: str = XML
    strategy: str = "BACKOFF_RETRY"
    created: int = 0
    modified: int = 0

    def __post_init__(self) -> None:
        if not (_QUEUE.fullmatch(self.endpoint) or self.to_function or _loopback(self.endpoint)):
            raise BadRequest(
                "The endpoint you provided is neither a queue, a function nor an http URL on loopback.",
                "EndpointInvalid",
            )
        if self.notify_format not in FORMATS or self.strategy not in STRATEGIES:
            raise InvalidArgument(f"NotifyContentFormat is one of {FORMATS}, NotifyStrategy one of {STRATEGIES}.")
        check_tag(self.filter_tag)

    @property
    def queue(self) -> str | None:
        """The queue's name, where the endpoint is one."""
        match = _QUEUE.fullmatch(self.endpoint)
        return match[3] if match else None

    @property
    def to_function(self) -> bool:
        return _FUNCTION.fullmatch(self.endpoint) is not None

    @property
    def settings(self) -> tuple[str, str, str, str]:
        """Two subscriptions of one name are the same if these are."""
        return self.endpoint, self.filter_tag, self.notify_format, self.strategy


class Topics:
    """The topics of one account and region, and their subscriptions."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall

    def create(self, name: str, attributes: TopicAttributes) -> bool:
        """Create a topic; whether it is new. Raises: Conflict, BadRequest."""
        _check_name("topic", name, "Topic")
        now = int(self._wall())
        values = (name, attributes.maximum_message_size, attributes.logging_enabled, now, now)
        new = self._database.change("INSERT OR IGNORE INTO topics VALUES (?, ?, ?, ?, ?)", values)
        if not new and self.get(name).attributes != attributes:
            raise Conflict("The topic you want to create is already exist, with other attributes.", "TopicAlreadyExist")
        return bool(new)

    def change(self, name: str, attributes: TopicAttributes) -> None:
        """Set all attributes. Raises: NotFound."""
        self.get(name)
        self._database.change(
            "UPDATE topics SET maximum_message_size = ?, logging = ?, modified = ? WHERE name = ?",
            (attributes.maximum_message_size, attributes.logging_enabled, int(self._wall()), name),
        )

    def remove(self, name: str) -> None:
        """Remove a topic and its subscriptions; nothing happens where there is none."""
        with self._database.transaction():
            self._database.change("DELETE FROM topics WHERE name = ?", (name,))
            self._database.change("DELETE FROM subscriptions WHERE topic = ?", (name,))

    def get(self, name: str) -> Topic:
        """Raises: NotFound."""
        rows = self._database.rows("SELECT * FROM topics WHERE name = ?", (name,))
        if not rows:
            raise NotFound("The topic name you provided is not exist.", "TopicNotExist")
        row = rows[0]
        attributes = TopicAttributes(row["maximum_message_size"], bool(row["logging"]))
        return Topic(name, attributes, row["created"], row["modified"])

    def page(self, prefix: str = "", marker: str = "", count: int = LARGEST_PAGE) -> Page:
        """At most `count` names that begin with `prefix` and come after `marker`."""
        rows = self._database.rows(
            "SELECT name FROM topics WHERE substr(name, 1, ?) = ? AND name > ? ORDER BY name LIMIT ?",
            (len(prefix), prefix, marker, count + 1),
        )
        return paged([row["name"] for row in rows], count)

    def subscribe(self, subscription: Subscription) -> bool:
        """Add a subscription; whether it is new. Raises: NotFound, Conflict, BadRequest."""
        self.get(subscription.topic)
        _check_name("subscription", subscription.name, "Subscription")
        now = int(self._wall())
        new = self._database.change(
            "INSERT OR IGNORE INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (subscription.topic, subscription.name, *subscription.settings, now, now),
        )
        if not new and self.subscription(subscription.topic, subscription.name).settings != subscription.settings:
            raise Conflict(
                "The subscription you want to create is already exist, with other attributes.",
                "SubscriptionAlreadyExist",
            )
        return bool(new)

    def change_strategy(self, topic: str, name: str, strategy: str) -> None:
        """Set the one attribute of a subscription that may be changed. Raises: NotFound, InvalidArgument."""
        self.subscription(topic, name)
        if strategy not in STRATEGIES:
            raise InvalidArgument(f"NotifyStrategy is one of {STRATEGIES}.")
        self._database.change(
            "UPDATE subscriptions SET strategy = ?, modified = ? WHERE topic = ? AND name = ?",
            (strategy, int(self._wall()), topic, name),
        )

    def unsubscribe(self, topic: str, name: str) -> None:
        """Remove a subscription; nothing happens where there is none. Raises: NotFound."""
        self.get(topic)
        self._database.change("DELETE FROM subscriptions WHERE topic = ? AND name = ?", (topic, name))

    def subscription(self, topic: str, name: str) -> Subscription:
        """Raises: NotFound."""
        self.get(topic)
        rows = self._database.rows("SELECT * FROM subscriptions WHERE topic = ? AND name = ?", (topic, name))
        if not rows:
            raise NotFound("The subscription name you provided is not exist.", "SubscriptionNotExist")
        return _subscription(rows[0])

    def subscriptions(self, topic: str) -> list[Subscription]:
        """Return all of a topic's, by name. Raises: NotFound."""
        self.get(topic)
        rows = self._database.rows("SELECT * FROM subscriptions WHERE topic = ? ORDER BY name", (topic,))
        return [_subscription(row) for row in rows]


def _check_name(kind: str, name: str, prefix: str) -> None:
    """Raises: BadRequest."""
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"The length of {kind} name should between 1 and {LONGEST_NAME}.", f"{prefix}NameLengthError")
    if _NAME.fullmatch(name) is None:
        raise BadRequest(f"The {kind} name you provided is invalid.", f"{prefix}NameInvalid")


def check_tag(tag: str) -> None:
    """Raises: InvalidArgument."""
    if len(tag) > LONGEST_TAG or not tag.isprintable():
        raise InvalidArgument(f"The value of MessageTag should between 1 and {LONGEST_TAG} printable characters.")


def _loopback(url: str) -> bool:
    """Whether a URL stays on this machine: the local cloud calls nothing else."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (parts.port or 80) > 0 and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return url.startswith(("http://localhost:", "http://localhost/"))


def _subscription(row: Row) -> Subscription:
    return Subscription(
        topic=row["topic"],
        name=row["name"],
        endpoint=row["endpoint"],
        filter_tag=row["filter_tag"],
        notify_format=row["format"],
        strategy=row["strategy"],
        created=row["created"],
        modified=row["modified"],
    )
