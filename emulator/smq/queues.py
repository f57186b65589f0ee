"""SMQ queues and their attributes (SMQ, "CreateQueue")."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter

from emulator.smq.errors import Conflict, QueueNotExist
from emulator.smq.limits import LIMITS, Limit, check_name
from emulator.smq.store import Database

LONGEST_NAME = 120

NUMBERS = {
    "VisibilityTimeout": "visibility_timeout",
    "MaximumMessageSize": "maximum_message_size",
    "MessageRetentionPeriod": "message_retention_period",
    "DelaySeconds": "delay_seconds",
    "PollingWaitSeconds": "polling_wait_seconds",
}
"""The numbers among a queue's attributes: their names in the API, and in `QueueAttributes`."""


@dataclass(frozen=True)
class DlqPolicy:
    """The queue to which a message goes that becomes visible again after `max_receive_count` receptions."""

    dead_letter_target_queue: str
    max_receive_count: int = 16
    enabled: bool = True

    def __post_init__(self) -> None:
        Limit(1, 1000).check("MaxReceiveCount", self.max_receive_count)
        _check_name(self.dead_letter_target_queue)


@dataclass(frozen=True)
class QueueAttributes:
    """The attributes of a queue that may be set; in seconds and bytes. Raises: InvalidArgument."""

    visibility_timeout: int = 30
    maximum_message_size: int = 65_536
    message_retention_period: int = 345_600
    delay_seconds: int = 0
    polling_wait_seconds: int = 0
    logging_enabled: bool = False
    dlq_policy: DlqPolicy | None = None

    def __post_init__(self) -> None:
        for name, attribute in NUMBERS.items():
            LIMITS[name].check(name, getattr(self, attribute))


_ATTRIBUTES = TypeAdapter(QueueAttributes)


@dataclass(frozen=True)
class Queue:
    """A queue; times in unix seconds."""

    name: str
    attributes: QueueAttributes
    created: int
    modified: int


class Queues:
    """The queues of one account and region. `wall` is the service's clock, in unix seconds."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall

    def create(self, name: str, attributes: QueueAttributes) -> bool:
        """Create a queue, and return True if it is new. Creating it again with the same attributes changes nothing.

        Raises: Conflict, SmqError.
        """
        _check_name(name)
        now = int(self._wall())
        new = self._database.change(
            "INSERT OR IGNORE INTO queues VALUES (?, ?, ?, ?)", (name, _dump(attributes), now, now)
        )
        if not new and self.get(name).attributes != attributes:
            raise Conflict("queue")
        return bool(new)

    def change(self, name: str, attributes: QueueAttributes) -> None:
        """Set all attributes. Raises: QueueNotExist."""
        if not self._database.change(
            "UPDATE queues SET attributes = ?, modified = ? WHERE name = ?",
            (_dump(attributes), int(self._wall()), name),
        ):
            raise QueueNotExist

    def remove(self, name: str) -> None:
        """Remove a queue and its messages; nothing happens if it does not exist."""
        with self._database.transaction():
            self._database.change("DELETE FROM queues WHERE name = ?", (name,))
            self._database.change("DELETE FROM messages WHERE queue = ?", (name,))

    def get(self, name: str) -> Queue:
        """Raises: QueueNotExist."""
        rows = self._database.rows("SELECT * FROM queues WHERE name = ?", (name,))
        if not rows:
            raise QueueNotExist
        return Queue(name, _ATTRIBUTES.validate_json(rows[0]["attributes"]), rows[0]["created"], rows[0]["modified"])

    def names(self) -> list[str]:
        """Return the names of all queues, sorted."""
        return [row["name"] for row in self._database.rows("SELECT name FROM queues ORDER BY name")]

    def dlq_policies(self) -> dict[str, DlqPolicy]:
        """Return the dead-letter policies in force, by queue: those that are enabled and whose target exists."""
        rows = self._database.rows("SELECT name, attributes FROM queues")
        policies = {row["name"]: _ATTRIBUTES.validate_json(row["attributes"]).dlq_policy for row in rows}
        return {
            name: policy
            for name, policy in policies.items()
            if policy and policy.enabled and policy.dead_letter_target_queue in policies
        }


def _check_name(name: str) -> None:
    check_name("queue", name, LONGEST_NAME, "InvalidQueueName")


def _dump(attributes: QueueAttributes) -> str:
    return _ATTRIBUTES.dump_json(attributes).decode()
