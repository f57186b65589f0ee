"""SMQ queues and their attributes (SMQ, "CreateQueue")."""

from dataclasses import dataclass
from sqlite3 import Row

from pydantic import TypeAdapter

from emulator.smq.limits import LIMITS, Limit, check_name
from emulator.smq.registry import Registry

LONGEST_NAME = 120
INVALID_NAME = "InvalidQueueName"

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
        check_name("queue", self.dead_letter_target_queue, LONGEST_NAME, INVALID_NAME)


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


class Queues(Registry[QueueAttributes]):
    """The queues of one account and region."""

    kind = "queue"
    parts = "messages"
    longest_name = LONGEST_NAME
    invalid_name = INVALID_NAME

    def _dump(self, attributes: QueueAttributes) -> tuple[object, ...]:
        return (_ATTRIBUTES.dump_json(attributes).decode(),)

    def _load(self, row: Row) -> QueueAttributes:
        return _ATTRIBUTES.validate_json(row["attributes"])

    def dlq_policies(self) -> dict[str, DlqPolicy]:
        """Return the dead-letter policies in force, by queue: those that are enabled and whose target exists."""
        rows = self._database.rows("SELECT name, attributes FROM queues")
        policies = {row["name"]: self._load(row).dlq_policy for row in rows}
        return {
            name: policy
            for name, policy in policies.items()
            if policy and policy.enabled and policy.dead_letter_target_queue in policies
        }
