"""The configuration of event streams."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasPath, BaseModel, ConfigDict, Field

from emulator.smq.retries import Strategy

_SOURCE = ("triggerConfig", "eventSourceConfig")
_OPTIONS = ("triggerConfig", "runOptions")


def _check_source(kind: str) -> str:
    if kind != "MNS":
        raise ValueError(f"{kind} has no local counterpart")
    return kind


class QueueTrigger(BaseModel):
    """An event stream from a queue to a function (trigger type `eventbridge`, source MNS), read from the trigger as deployed."""

    model_config = ConfigDict(strict=True, frozen=True, validate_by_name=True)

    name: str = Field(validation_alias="triggerName")
    queue: str = Field(
        validation_alias=AliasPath(*_SOURCE, "eventSourceParameters", "sourceMNSParameters", "QueueName")
    )
    source: Annotated[str, AfterValidator(_check_source)] = Field(
        "MNS", validation_alias=AliasPath(*_SOURCE, "eventSourceType")
    )
    base64_decode: bool = Field(
        True, validation_alias=AliasPath(*_SOURCE, "eventSourceParameters", "sourceMNSParameters", "IsBase64Decode")
    )
    event_schema: Literal["CloudEvents", "RawData"] = Field(
        "CloudEvents", validation_alias=AliasPath("triggerConfig", "eventSinkConfig", "deliveryOption", "eventSchema")
    )
    enabled: bool = Field(True, validation_alias=AliasPath("triggerConfig", "triggerEnable"))
    asynchronous: bool = Field(False, validation_alias=AliasPath("triggerConfig", "asyncInvocationType"))
    mode: Literal["event-streaming", "event-driven"] = Field(
        "event-streaming", validation_alias=AliasPath(*_OPTIONS, "mode")
    )
    """A call gets an array of events, or one event without an array."""
    batch_messages: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1, validation_alias=AliasPath(*_OPTIONS, "batchWindow", "CountBasedWindow")
    )
    batch_seconds: Annotated[float, Field(ge=0, le=15)] = Field(
        0, validation_alias=AliasPath(*_OPTIONS, "batchWindow", "TimeBasedWindow")
    )
    retry_strategy: Strategy = Field(
        "BACKOFF_RETRY", validation_alias=AliasPath(*_OPTIONS, "retryStrategy", "PushRetryStrategy")
    )
    errors_tolerance: Literal["ALL", "NONE"] = Field("NONE", validation_alias=AliasPath(*_OPTIONS, "errorsTolerance"))
    dead_letter_queue: Annotated[str | None, AfterValidator(lambda arn: arn.rpartition("/queues/")[2] or None)] = Field(
        None, validation_alias=AliasPath(*_OPTIONS, "deadLetterQueue", "Arn")
    )


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
        """The largest number of messages of a call: event mode has no batches."""
        return self.trigger.batch_messages if self.trigger.mode == "event-streaming" else 1

    @property
    def batch_seconds(self) -> float:
        """Seconds that a batch waits for more after its first message."""
        return self.trigger.batch_seconds if self.trigger.mode == "event-streaming" else 0.0

    @property
    def batch_bytes(self) -> int:
        """The largest payload that Function Compute takes: 32 MB synchronous, 128 KB asynchronous."""
        return 128 * 1024 if self.trigger.asynchronous else 32 * 1024 * 1024
