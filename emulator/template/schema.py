"""Models of a function of component fc3: the published schema's names, types, ranges and defaults.

Schema: devsapp/fc3, src/schema.json. A value of another type is refused, as the platform's API refuses it; a key that is there
without a value counts as left out; keys that change nothing on one machine are ignored.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)

from emulator.eventbridge.config import QueueTrigger
from emulator.smq.retries import Strategy
from emulator.template.document import Key, TemplateFile
from emulator.template.variables import TemplateError, Value


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class TopicTrigger(_Part):
    """Subscribes the function to an SMQ topic (trigger type `mns_topic`)."""

    name: str = Field(validation_alias="triggerName")
    arn: str = Field(validation_alias="sourceArn")
    notify_format: Literal["JSON", "STREAM"] = Field(
        "STREAM", validation_alias=AliasPath("triggerConfig", "notifyContentFormat")
    )
    strategy: Strategy = Field("BACKOFF_RETRY", validation_alias=AliasPath("triggerConfig", "notifyStrategy"))
    filter_tag: str = Field("", validation_alias=AliasPath("triggerConfig", "filterTag"))

    @property
    def topic(self) -> str:
        return self.arn.rpartition("/topics/")[2]


class HttpTrigger(_Part):
    """Gives the function an address (trigger type `http`)."""

    auth: Literal["anonymous", "function", "jwt"] = Field(validation_alias=AliasPath("triggerConfig", "authType"))
    methods: list[Literal["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]] = Field(
        validation_alias=AliasPath("triggerConfig", "methods")
    )


class OtherTrigger(_Part):
    """A trigger that has no counterpart on one machine."""

    name: str = Field(validation_alias="triggerName")
    type: str = Field(validation_alias="triggerType")


def _find_trigger_type(value: Value) -> str:
    kind = value.get("triggerType") if isinstance(value, Mapping) else None
    return kind if kind in ("eventbridge", "mns_topic", "http") else "other"


Trigger = Annotated[
    Annotated[QueueTrigger, Tag("eventbridge")]
    | Annotated[TopicTrigger, Tag("mns_topic")]
    | Annotated[HttpTrigger, Tag("http")]
    | Annotated[OtherTrigger, Tag("other")],
    Discriminator(_find_trigger_type),
]


class Function(_Part):
    """The `props` of a function. Times are in seconds, memory and disk in MB."""

    name: str = Field(validation_alias="functionName")
    region: str
    runtime: Literal["python3.10", "python3.12"]
    """The runtimes that our function supports."""
    handler: str
    code: Annotated[
        Path, BeforeValidator(lambda code: code.get("src") if isinstance(code, Mapping) else code), Field(strict=False)
    ]
    memory: Annotated[int, Field(ge=128, le=32_768, multiple_of=64)] = Field(512, validation_alias="memorySize")
    timeout: Annotated[int, Field(ge=1, le=86_400)] = 3
    cpu: Annotated[float, Field(ge=0.05, le=16)] = 0.35
    disk: Literal[512, 10_240] = Field(512, validation_alias="diskSize")
    role: Annotated[str, AfterValidator(lambda arn: arn.rpartition("role/")[2])] = ""
    variables: Annotated[Mapping[str, str], AfterValidator(MappingProxyType)] = Field(
        default_factory=dict, validation_alias="environmentVariables"
    )
    initializer: str | None = Field(
        None, validation_alias=AliasPath("instanceLifecycleConfig", "initializer", "handler")
    )
    initializer_timeout: Annotated[float, Field(ge=1)] = Field(
        3, validation_alias=AliasPath("instanceLifecycleConfig", "initializer", "timeout")
    )
    reserved: Annotated[float | None, Field(ge=0)] = Field(
        None, validation_alias=AliasPath("concurrencyConfig", "reservedConcurrency")
    )
    disabled: bool = Field(False, validation_alias="disableOndemand")
    triggers: list[Trigger] = Field(default_factory=list)

    @property
    def instances(self) -> int | None:
        """How many instances there may be; None for no limit."""
        return 0 if self.disabled else None if self.reserved is None else int(self.reserved)

    @property
    def queues(self) -> tuple[QueueTrigger, ...]:
        return tuple(trigger for trigger in self.triggers if isinstance(trigger, QueueTrigger))

    @property
    def topics(self) -> tuple[TopicTrigger, ...]:
        return tuple(trigger for trigger in self.triggers if isinstance(trigger, TopicTrigger))

    @property
    def http(self) -> HttpTrigger | None:
        return next((trigger for trigger in self.triggers if isinstance(trigger, HttpTrigger)), None)


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


def validate(model: type[_Model], value: Value, file: TemplateFile, *keys: Key) -> _Model:
    """Read the part of a file that is at `keys` into a model. Raises: TemplateError: names file, line, key and value."""
    try:
        return model.model_validate(_drop_empty(value, file, keys))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    place = file.place(*keys, *(key for key in fault["loc"] if key not in _TAGS))
    if fault["type"] == "missing":
        raise TemplateError(f"{place}: is required")
    rule = _RULES.get(fault["type"]) or fault["msg"].removeprefix("Value error, ").replace("Input should", "must", 1)
    raise TemplateError(f"{place}: {rule} (it is {fault['input']!r})")


def _drop_empty(value: Value, file: TemplateFile, keys: tuple[Key, ...]) -> Value:
    """Drop the keys without a value. Raises: TemplateError: a value stands where a mapping must, which the models ignore."""
    if isinstance(value, list):
        return [_drop_empty(item, file, (*keys, number)) for number, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            key: item if key in _AS_WRITTEN else _drop_empty(item, file, (*keys, key))
            for key, item in value.items()
            if item is not None
        }
    if keys[-1] in _MAPPINGS:
        raise TemplateError(f"{file.place(*keys)}: must be a mapping (it is {value!r})")
    return value


_MAPPINGS = {
    key
    for model in (QueueTrigger, TopicTrigger, HttpTrigger, Function)
    for field in model.model_fields.values()
    if isinstance(field.validation_alias, AliasPath)
    for key in field.validation_alias.path[:-1]
}
_AS_WRITTEN = ("environmentVariables", "template", "parameters", "props")
_TAGS = ("eventbridge", "mns_topic", "other")
_RULES = {
    "string_type": "must be text: put it in quotes",
    "path_type": "must be text: put it in quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "list_type": "must be a list",
    "model_type": "must be a mapping",
}
