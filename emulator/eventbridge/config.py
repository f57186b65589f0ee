"""How an event stream is set up."""

from dataclasses import dataclass
from typing import Literal

from emulator.smq.retries import Strategy

Mode = Literal["event-streaming", "event-driven"]
"""An array of events for each call, or one event and no array."""
EventSchema = Literal["CloudEvents", "RawData"]
Tolerance = Literal["ALL", "NONE"]


@dataclass(frozen=True)
class QueueTrigger:
    """An event stream from a queue to a function (trigger type `eventbridge`, source MNS)."""

    name: str
    queue: str
    enabled: bool = True
    asynchronous: bool = False
    base64_decode: bool = True
    event_schema: EventSchema = "CloudEvents"
    mode: Mode = "event-streaming"
    batch_messages: int = 1
    batch_seconds: float = 0
    retry_strategy: Strategy = "BACKOFF_RETRY"
    errors_tolerance: Tolerance = "NONE"
    dead_letter_queue: str | None = None


@dataclass(frozen=True)
class StreamConfig:
    """A trigger of a function."""

    trigger: QueueTrigger
    function: str
    region: str
    account: str

    @property
    def name(self) -> str:
        return f"MNS-{self.function}-{self.trigger.name}"

    @property
    def batch_messages(self) -> int:
        """The most messages of a call: event mode has no batches."""
        return self.trigger.batch_messages if self.trigger.mode == "event-streaming" else 1

    @property
    def batch_seconds(self) -> float:
        """Seconds that a batch waits for more after its first message."""
        return self.trigger.batch_seconds if self.trigger.mode == "event-streaming" else 0.0

    @property
    def batch_bytes(self) -> int:
        """The largest payload that Function Compute takes: 32 MB synchronous, 128 KB asynchronous."""
        return 128 * 1024 if self.trigger.asynchronous else 32 * 1024 * 1024
