"""How an event stream is set up."""

from dataclasses import dataclass

from emulator.smq.retries import STRATEGIES

STREAMING = "event-streaming"
"""An array of events for each call."""
DRIVEN = "event-driven"
"""One event for each call, no array."""
MODES = (STREAMING, DRIVEN)

CLOUD_EVENTS = "CloudEvents"
RAW_DATA = "RawData"
SCHEMAS = (CLOUD_EVENTS, RAW_DATA)


@dataclass(frozen=True)
class QueueTrigger:
    """An event stream from a queue to a function (trigger type `eventbridge`, source MNS)."""

    name: str
    queue: str
    enabled: bool = True
    asynchronous: bool = False
    base64_decode: bool = True
    event_schema: str = "CloudEvents"
    mode: str = "event-streaming"
    batch_messages: int = 1
    batch_seconds: float = 0
    retry_strategy: str = "BACKOFF_RETRY"
    errors_tolerance: str = "NONE"
    dead_letter_queue: str | None = None


@dataclass(frozen=True)
class StreamConfig:
    """A trigger of a function. Raises: ValueError for a value that the service would refuse."""

    trigger: QueueTrigger
    function: str
    region: str
    account: str

    def __post_init__(self) -> None:
        trigger = self.trigger
        for name, value, known in (
            ("mode", trigger.mode, MODES),
            ("eventSchema", trigger.event_schema, SCHEMAS),
            ("errorsTolerance", trigger.errors_tolerance, ("ALL", "NONE")),
            ("PushRetryStrategy", trigger.retry_strategy, STRATEGIES),
        ):
            if value not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {value!r}")
        if not 1 <= int(trigger.batch_messages) <= 10_000:
            raise ValueError(f"CountBasedWindow is 1 to 10000, not {trigger.batch_messages}")
        if not 0 <= float(trigger.batch_seconds) <= 15:
            raise ValueError(f"TimeBasedWindow is 0 to 15 seconds, not {trigger.batch_seconds}")

    @property
    def name(self) -> str:
        return f"MNS-{self.function}-{self.trigger.name}"

    @property
    def batch_messages(self) -> int:
        """The most messages of a call: event mode has no batches."""
        return int(self.trigger.batch_messages) if self.trigger.mode == STREAMING else 1

    @property
    def batch_seconds(self) -> float:
        """Seconds that a batch waits for more after its first message."""
        return float(self.trigger.batch_seconds) if self.trigger.mode == STREAMING else 0.0

    @property
    def batch_bytes(self) -> int:
        """The largest payload that Function Compute takes: 32 MB synchronous, 128 KB asynchronous."""
        return 128 * 1024 if self.trigger.asynchronous else 32 * 1024 * 1024
