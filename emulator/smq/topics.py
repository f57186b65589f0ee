"""SMQ topics and their subscriptions (SMQ, "CreateTopic", "Subscribe"). Times in unix seconds."""

import ipaddress
import re
from dataclasses import astuple, dataclass
from sqlite3 import Row
from typing import Literal, get_args
from urllib.parse import urlsplit

from emulator.smq.errors import Conflict, InvalidArgument, NotFound, SmqError
from emulator.smq.limits import LIMITS, check_name
from emulator.smq.registry import Registry
from emulator.smq.retries import STRATEGIES

LONGEST_NAME = 255
LONGEST_TAG = 16

Format = Literal["XML", "JSON", "SIMPLIFIED", "STREAM"]
"""The format of notifications. STREAM is that of a function's topic trigger: the body, or with its attributes in JSON."""
FORMATS = get_args(Format)

_QUEUE = re.compile(r"acs:mns:([^:]*):([^:]*):/?queues/([A-Za-z0-9-]+)")
_FUNCTION = re.compile(r"acs:fc:[^:]*:[^:]*:(services/[^/:]+/)?functions/[^/:]+")


@dataclass(frozen=True)
class TopicAttributes:
    """The attributes of a topic that may be set. Raises: InvalidArgument."""

    maximum_message_size: int = 65_536
    logging_enabled: bool = False

    def __post_init__(self) -> None:
        LIMITS["MaximumMessageSize"].check("MaximumMessageSize", self.maximum_message_size)


@dataclass(frozen=True)
class Subscription:
    """Sends a topic's messages to an `http` URL of this machine, or to the ARN of a queue or a function.

    With a filter tag, only messages with exactly that tag. Raises: SmqError.
    """

    topic: str
    name: str
    endpoint: str
    filter_tag: str = ""
    notify_format: str = "XML"
    strategy: str = "BACKOFF_RETRY"
    created: int = 0
    modified: int = 0

    def __post_init__(self) -> None:
        if not (_QUEUE.fullmatch(self.endpoint) or self.to_function or _loopback(self.endpoint)):
            text = "The endpoint you provided is neither a queue, a function nor an http URL on loopback."
            raise SmqError(400, "EndpointInvalid", text)
        if self.notify_format not in FORMATS or self.strategy not in STRATEGIES:
            raise InvalidArgument(f"NotifyContentFormat is one of {FORMATS}, NotifyStrategy one of {STRATEGIES}.")
        check_tag(self.filter_tag)

    @property
    def queue(self) -> str | None:
        """The name of the queue; None if the endpoint is something else."""
        match = _QUEUE.fullmatch(self.endpoint)
        return match[3] if match else None

    @property
    def to_function(self) -> bool:
        return _FUNCTION.fullmatch(self.endpoint) is not None

    @property
    def settings(self) -> tuple[str, str, str, str]:
        """The values that must agree when a subscription is made again."""
        return self.endpoint, self.filter_tag, self.notify_format, self.strategy


class Topics(Registry[TopicAttributes]):
    """The topics of one account and region, and their subscriptions."""

    kind = "topic"
    parts = "subscriptions"
    longest_name = LONGEST_NAME
    invalid_name = "TopicNameInvalid"

    def _dump(self, attributes: TopicAttributes) -> tuple[object, ...]:
        return astuple(attributes)

    def _load(self, row: Row) -> TopicAttributes:
        return TopicAttributes(row["maximum_message_size"], bool(row["logging"]))

    def subscribe(self, subscription: Subscription) -> bool:
        """Add a subscription, and return True if it is new. Raises: NotFound, Conflict, SmqError."""
        self.get(subscription.topic)
        check_name("subscription", subscription.name, LONGEST_NAME, "SubscriptionNameInvalid")
        now = int(self._wall())
        new = self._database.change(
            "INSERT OR IGNORE INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (subscription.topic, subscription.name, *subscription.settings, now, now),
        )
        if not new and self.subscription(subscription.topic, subscription.name).settings != subscription.settings:
            raise Conflict("subscription")
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
        """Remove a subscription; nothing happens if it does not exist. Raises: NotFound."""
        self.get(topic)
        self._database.change("DELETE FROM subscriptions WHERE topic = ? AND name = ?", (topic, name))

    def subscription(self, topic: str, name: str) -> Subscription:
        """Raises: NotFound."""
        for subscription in self.subscriptions(topic):
            if subscription.name == name:
                return subscription
        raise NotFound("subscription")

    def subscriptions(self, topic: str) -> list[Subscription]:
        """Return all subscriptions of a topic, by name. Raises: NotFound."""
        self.get(topic)
        rows = self._database.rows(
            "SELECT topic, name, endpoint, filter_tag, format AS notify_format, strategy, created, modified"
            " FROM subscriptions WHERE topic = ? ORDER BY name",
            (topic,),
        )
        return [Subscription(**row) for row in rows]


def check_tag(tag: str) -> None:
    """Raises: InvalidArgument."""
    if len(tag) > LONGEST_TAG or not tag.isprintable():
        raise InvalidArgument(f"The value of MessageTag should between 1 and {LONGEST_TAG} printable characters.")


def _loopback(url: str) -> bool:
    """Return True if a URL stays on this machine: the local cloud calls nothing else."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (parts.port or 80) > 0 and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return url.startswith(("http://localhost:", "http://localhost/"))
