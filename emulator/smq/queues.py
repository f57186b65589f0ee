"""SMQ queues: their attributes, within the service's limits (SMQ, "Limits"; "CreateQueue")."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

from emulator.smq.errors import BadRequest, Conflict, QueueNotExist
from emulator.smq.limits import LARGEST_PAGE, LIMITS, Limit, Page, paged
from emulator.smq.store import Database

LONGEST_NAME = 120

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True)
class DlqPolicy:
    """Where a message goes that becomes visible again after `max_receive_count` receptions."""

    dead_letter_target_queue: str
    max_receive_count: int = 16
    enabled: bool = True

    def __post_init__(self) -> None:
        Limit(1, 1000).check("MaxReceiveCount", self.max_receive_count)
        check_name(self.dead_letter_target_queue)


@dataclass(frozen=True)
class QueueAttributes:
    """What may be set of a queue; seconds and bytes. Raises: InvalidArgument."""

    visibility_timeout: int = 30
    maximum_message_size: int = 65_536
    message_retention_period: int = 345_600
    delay_seconds: int = 0
    polling_wait_seconds: int = 0
    logging_enabled: bool = False
    dlq_policy: DlqPolicy | None = None

    def __post_init__(self) -> None:
        LIMITS["VisibilityTimeout"].check("VisibilityTimeout", self.visibility_timeout)
        LIMITS["MaximumMessageSize"].check("MaximumMessageSize", self.maximum_message_size)
        LIMITS["MessageRetentionPeriod"].check("MessageRetentionPeriod", self.message_retention_period)
        LIMITS["DelaySeconds"].check("DelaySeconds", self.delay_seconds)
        LIMITS["PollingWaitSeconds"].check("PollingWaitSeconds", self.polling_wait_seconds)


@dataclass(frozen=True)
class Queue:
    """A queue as it stands; times in unix seconds."""

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
        """Create a queue; whether it is new. Creating it again with the same attributes changes nothing.

        Raises: Conflict, BadRequest.
        """
        check_name(name)
        now = int(self._wall())
        new = self._database.change(
            "INSERT OR IGNORE INTO queues VALUES (?, ?, ?, ?)", (name, _dump(attributes), now, now)
        )
        if not new and self.get(name).attributes != attributes:
            raise Conflict("The queue you want to create is already exist, with other attributes.", "QueueAlreadyExist")
        return bool(new)

    def change(self, name: str, attributes: QueueAttributes) -> None:
        """Set all attributes. Raises: QueueNotExist."""
        if not self._database.change(
            "UPDATE queues SET attributes = ?, modified = ? WHERE name = ?",
            (_dump(attributes), int(self._wall()), name),
        ):
            raise _not_found()

    def remove(self, name: str) -> None:
        """Remove a queue and its messages; nothing happens where there is none."""
        with self._database.transaction():
            self._database.change("DELETE FROM queues WHERE name = ?", (name,))
            self._database.change("DELETE FROM messages WHERE queue = ?", (name,))

    def get(self, name: str) -> Queue:
        """Raises: QueueNotExist."""
        rows = self._database.rows("SELECT * FROM queues WHERE name = ?", (name,))
        if not rows:
            raise _not_found()
        return Queue(name, _load(rows[0]["attributes"]), rows[0]["created"], rows[0]["modified"])

    def page(self, prefix: str = "", marker: str = "", count: int = LARGEST_PAGE) -> Page:
        """At most `count` names that begin with `prefix` and come after `marker`."""
        rows = self._database.rows(
            "SELECT name FROM queues WHERE substr(name, 1, ?) = ? AND name > ? ORDER BY name LIMIT ?",
            (len(prefix), prefix, marker, count + 1),
        )
        return paged([row["name"] for row in rows], count)

    def dlq_policies(self) -> dict[str, DlqPolicy]:
        """Return the dead-letter policies in force, by queue: those that are enabled and whose target exists."""
        queues = {row["name"]: _load(row["attributes"]) for row in self._database.rows("SELECT * FROM queues")}
        return {
            name: attributes.dlq_policy
            for name, attributes in queues.items()
            if attributes.dlq_policy
            and attributes.dlq_policy.enabled
            and attributes.dlq_policy.dead_letter_target_queue in queues
        }


def check_name(name: str) -> None:
    """Raises: BadRequest."""
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"The length of queue name should between 1 and {LONGEST_NAME}.", "QueueNameLengthError")
    if _NAME.fullmatch(name) is None:
        raise BadRequest("The queue name you provided is invalid.", "InvalidQueueName")


def _not_found() -> QueueNotExist:
    return QueueNotExist("The queue name you provided is not exist.")


def _dump(attributes: QueueAttributes) -> str:
    return json.dumps(asdict(attributes))


def _load(text: str) -> QueueAttributes:
    values = json.loads(text)
    policy = values.pop("dlq_policy")
    return QueueAttributes(**values, dlq_policy=DlqPolicy(**policy) if policy else None)
