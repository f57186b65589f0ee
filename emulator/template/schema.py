"""What a function of component fc3 may look like: the published schema's types, ranges and defaults.

Schema: devsapp/fc3, src/schema.json. A value of another type is refused, as the platform's API refuses it; a key that is there
without a value counts as left out; keys that change nothing on one machine pass as they are.
"""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from emulator.eventbridge.config import EventSchema, Mode, QueueTrigger, Tolerance
from emulator.smq.retries import Strategy
from emulator.template.document import Key, TemplateFile
from emulator.template.variables import TemplateError

Method = Literal["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


class MnsSource(_Part):
    QueueName: str
    IsBase64Decode: bool = QueueTrigger.base64_decode


class SourceParameters(_Part):
    sourceMNSParameters: MnsSource | None = None


class EventSource(_Part):
    eventSourceType: str
    eventSourceParameters: SourceParameters = SourceParameters()


class DeliveryOption(_Part):
    eventSchema: EventSchema = QueueTrigger.event_schema


class EventSink(_Part):
    deliveryOption: DeliveryOption = DeliveryOption()


class BatchWindow(_Part):
    CountBasedWindow: Annotated[int, Field(ge=1, le=10_000)] = QueueTrigger.batch_messages
    TimeBasedWindow: Annotated[float, Field(ge=0, le=15)] = QueueTrigger.batch_seconds


class RetryStrategy(_Part):
    PushRetryStrategy: Strategy = QueueTrigger.retry_strategy


class DeadLetterQueue(_Part):
    Arn: str = ""


class RunOptions(_Part):
    mode: Mode = QueueTrigger.mode
    errorsTolerance: Tolerance = QueueTrigger.errors_tolerance
    batchWindow: BatchWindow = BatchWindow()
    retryStrategy: RetryStrategy = RetryStrategy()
    deadLetterQueue: DeadLetterQueue = DeadLetterQueue()


class StreamConfig(_Part):
    eventSourceConfig: EventSource
    eventSinkConfig: EventSink = EventSink()
    runOptions: RunOptions = RunOptions()
    triggerEnable: bool = QueueTrigger.enabled
    asyncInvocationType: bool = QueueTrigger.asynchronous


class TopicConfig(_Part):
    notifyContentFormat: Literal["JSON", "STREAM"] = "STREAM"
    notifyStrategy: Strategy = "BACKOFF_RETRY"
    filterTag: str | None = None


class HttpConfig(_Part):
    authType: Literal["anonymous", "function", "jwt"]
    methods: list[Method]


class _Trigger(_Part):
    triggerName: str
    triggerType: str


class StreamTrigger(_Trigger):
    triggerConfig: StreamConfig


class TopicTrigger(_Trigger):
    sourceArn: str
    triggerConfig: TopicConfig = TopicConfig()

    @property
    def topic(self) -> str:
        return self.sourceArn.rpartition("/topics/")[2]


class HttpTrigger(_Trigger):
    triggerConfig: HttpConfig


class OtherTrigger(_Trigger):
    """A trigger that has no counterpart on one machine."""


def _kind(value: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    kind = value.get("triggerType") if isinstance(value, dict) else getattr(value, "triggerType", None)
    return kind if kind in ("eventbridge", "mns_topic", "http") else "other"


Trigger = Annotated[
    Annotated[StreamTrigger, Tag("eventbridge")]
    | Annotated[TopicTrigger, Tag("mns_topic")]
    | Annotated[HttpTrigger, Tag("http")]
    | Annotated[OtherTrigger, Tag("other")],
    Discriminator(_kind),
]


class Initializer(_Part):
    handler: str | None = None
    timeout: Annotated[float, Field(ge=1)] = 3


class Lifecycle(_Part):
    initializer: Initializer = Initializer()


class Concurrency(_Part):
    reservedConcurrency: Annotated[float, Field(ge=0)]


class CodeUri(_Part):
    src: str


class FunctionProps(_Part):
    """The `props` of a function."""

    functionName: str
    region: str
    runtime: Literal["python3.10", "python3.12"]
    """Those on which the function runs."""
    handler: str
    code: str | CodeUri
    memorySize: Annotated[int, Field(ge=128, le=32_768, multiple_of=64)] = 512
    timeout: Annotated[int, Field(ge=1, le=86_400)] = 3
    cpu: Annotated[float, Field(ge=0.05, le=16)] = 0.35
    diskSize: Literal[512, 10_240] = 512
    role: str | None = None
    environmentVariables: dict[str, str] = Field(default_factory=dict)
    instanceLifecycleConfig: Lifecycle = Lifecycle()
    concurrencyConfig: Concurrency | None = None
    disableOndemand: bool = False
    triggers: list[Trigger] = Field(default_factory=list)


class Resource(_Part):
    """An entry of `resources`."""

    component: str
    props: dict[str, Any]


class StackProps(_Part):
    """The `props` of a stack of component ros."""

    region: str
    template: dict[str, Any]
    parameters: dict[str, Any] = Field(default_factory=dict)


_Model = TypeVar("_Model", bound=BaseModel)


def checked(model: type[_Model], value: object, file: TemplateFile, *keys: Key) -> _Model:
    """Return what stands at a place of a file as a model. Raises: TemplateError: names file, line, key and value."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    place = file.place(*keys, *(key for key in fault["loc"] if key not in _TAGS))
    if fault["type"] == "missing":
        raise TemplateError(f"{place}: is required")
    rule = _RULES.get(fault["type"]) or fault["msg"].replace("Input should", "must", 1)
    raise TemplateError(f"{place}: {rule} (it is {fault['input']!r})")


_TAGS = ("eventbridge", "mns_topic", "other", "str", "CodeUri")
_RULES = {
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
}
