"""template.yml as the local cloud carries it out: functions, queues, topic and roles, as they would be deployed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from emulator.eventbridge.config import QueueTrigger
from emulator.ram.keys import ACCOUNT_ID
from emulator.smq.topics import Subscription
from emulator.template import document, schema
from emulator.template.document import TemplateFile
from emulator.template.ros import Queue, Role, Stack, stack
from emulator.template.schema import CodeUri, FunctionProps, checked
from emulator.template.variables import OUTPUT, Lookup, TemplateError, Value, resolved, variables

FUNCTION_COMPUTE = "fc.aliyuncs.com"


@dataclass(frozen=True)
class Function:
    """A function; times in seconds, memory in MB. `instances` is how many it may have at most, None for no limit."""

    name: str
    runtime: str
    handler: str
    code: Path
    memory: int
    timeout: int
    instances: int | None
    initializer: str | None
    initializer_timeout: int
    role: str | None
    variables: Mapping[str, str]
    queues: tuple[QueueTrigger, ...]
    topics: tuple[schema.TopicTrigger, ...]
    http: schema.HttpConfig | None


@dataclass(frozen=True)
class Template:
    """Everything that a Serverless Devs file deploys."""

    region: str
    functions: tuple[Function, ...]
    queues: tuple[Queue, ...]
    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    roles: tuple[Role, ...]
    outputs: Mapping[str, str]


def load(
    path: Path,
    *,
    account_id: str = ACCOUNT_ID,
    environ: Mapping[str, str] = os.environ,
    outputs: Mapping[str, str] | None = None,
) -> Template:
    """Read a Serverless Devs file.

    `outputs` replace those of the stack: the endpoints of the local cloud, for example. Raises: TemplateError.
    """
    file = document.read(path)
    ready = stacks(file, environ, account_id)
    replaced = outputs or {}
    known = {name: {**made.outputs, **replaced} for name, made in ready.items()}
    lookup = variables(file.content, environ, known)
    props = [_function_props(file, name, lookup) for name in _names(file, "fc3")]
    if not props:
        raise TemplateError(f"{file.place('resources')}: holds no function (component: fc3)")
    functions = tuple(function(item, path.parent) for item in props)
    roles = tuple(role for made in ready.values() for role in made.roles)
    for item in functions:
        check_role(item, roles)
    return Template(
        region=single_region(props),
        functions=functions,
        queues=tuple(queue for made in ready.values() for queue in made.queues),
        topics=tuple(topic for made in ready.values() for topic in made.topics),
        subscriptions=tuple(item for made in ready.values() for item in made.subscriptions),
        roles=roles,
        outputs=MappingProxyType({key: value for outputs in known.values() for key, value in outputs.items()}),
    )


def _names(file: TemplateFile, component: str) -> list[str]:
    """Return the names of the resources of one kind. Raises: TemplateError: a resource is not one."""
    resources = file.content.get("resources") or {}
    for name, item in resources.items():
        checked(schema.Resource, item, file, "resources", name)
    return [name for name, item in resources.items() if item["component"] == component]


def _props(file: TemplateFile, name: str, lookup: Lookup) -> Mapping[str, Value]:
    try:
        props: Mapping[str, Value] = resolved(file.content["resources"][name]["props"], lookup)
    except TemplateError as error:
        raise TemplateError(f"{file.place('resources', name)}: {error}") from None
    return props


def _function_props(file: TemplateFile, name: str, lookup: Lookup) -> FunctionProps:
    return checked(FunctionProps, _props(file, name, lookup), file, "resources", name, "props")


def stacks(file: TemplateFile, environ: Mapping[str, str], account_id: str) -> dict[str, Stack]:
    """Make what the ROS templates in the file make: first those whose outputs others use, as the tool does."""
    made: dict[str, Stack] = {}
    left = {name: file.content["resources"][name]["props"] for name in _names(file, "ros")}
    while left:
        # In a circle nobody is first; then the one that is tried says which output it misses.
        name = next((name for name, props in left.items() if not references(props) & left.keys()), next(iter(left)))
        del left[name]
        lookup = variables(file.content, environ, {earlier: stack.outputs for earlier, stack in made.items()})
        props = checked(schema.StackProps, _props(file, name, lookup), file, "resources", name, "props")
        made[name] = stack(props.template, region=props.region, account_id=account_id, parameters=props.parameters)
    return made


def references(value: Value) -> set[str]:
    """Return the resources whose outputs a document uses."""
    return {resource for resource, _ in OUTPUT.findall(str(value))}


def ros_templates(path: Path, *, environ: Mapping[str, str] = os.environ) -> dict[str, Value]:
    """Return the ROS templates that stand in a Serverless Devs file, by resource, with the file's variables put in.

    Raises: TemplateError.
    """
    file = document.read(path)
    lookup = variables(file.content, environ, {})
    return {
        name: resolved(file.content["resources"][name]["props"]["template"], lookup) for name in _names(file, "ros")
    }


def single_region(props: list[FunctionProps]) -> str:
    """The region of all functions: a queue and the function that it triggers must share one."""
    regions = sorted({item.region for item in props})
    if len(regions) != 1:
        raise TemplateError(f"the functions are in more than one region: {', '.join(regions)}")
    return regions[0]


def function(props: FunctionProps, root: Path) -> Function:
    """A function of component fc3."""
    initializer = props.instanceLifecycleConfig.initializer
    http = [item.triggerConfig for item in props.triggers if isinstance(item, schema.HttpTrigger)]
    return Function(
        name=props.functionName,
        runtime=props.runtime,
        handler=props.handler,
        code=root / (props.code.src if isinstance(props.code, CodeUri) else props.code),
        memory=props.memorySize,
        timeout=props.timeout,
        instances=_most_instances(props),
        initializer=initializer.handler,
        initializer_timeout=int(initializer.timeout),
        role=props.role.rpartition("role/")[2] if props.role else None,
        variables=MappingProxyType(props.environmentVariables),
        queues=tuple(queue_trigger(item) for item in props.triggers if isinstance(item, schema.StreamTrigger)),
        topics=tuple(item for item in props.triggers if isinstance(item, schema.TopicTrigger)),
        http=http[0] if http else None,
    )


def queue_trigger(trigger: schema.StreamTrigger) -> QueueTrigger:
    """Return the stream from a queue. Raises: TemplateError: the source is another, which has no counterpart on one machine."""
    config, name = trigger.triggerConfig, trigger.triggerName
    source = config.eventSourceConfig.eventSourceParameters.sourceMNSParameters
    if config.eventSourceConfig.eventSourceType != "MNS":
        raise TemplateError(f"trigger {name}: {config.eventSourceConfig.eventSourceType} has no local counterpart")
    if source is None:
        raise TemplateError(f"trigger {name}: sourceMNSParameters is required")
    options = config.runOptions
    return QueueTrigger(
        name=name,
        queue=source.QueueName,
        enabled=config.triggerEnable,
        asynchronous=config.asyncInvocationType,
        base64_decode=source.IsBase64Decode,
        event_schema=config.eventSinkConfig.deliveryOption.eventSchema,
        mode=options.mode,
        batch_messages=options.batchWindow.CountBasedWindow,
        batch_seconds=options.batchWindow.TimeBasedWindow,
        retry_strategy=options.retryStrategy.PushRetryStrategy,
        errors_tolerance=options.errorsTolerance,
        dead_letter_queue=options.deadLetterQueue.Arn.rpartition("/queues/")[2] or None,
    )


def _most_instances(props: FunctionProps) -> int | None:
    if props.disableOndemand:
        return 0
    return int(props.concurrencyConfig.reservedConcurrency) if props.concurrencyConfig else None


def check_role(function: Function, roles: tuple[Role, ...]) -> None:
    """A function can only have a role of the stack that lets Function Compute assume it."""
    role = next((role for role in roles if role.name == function.role), None)
    if function.role and role is None:
        raise TemplateError(f"{function.name}: no role {function.role} in the stack")
    if role and FUNCTION_COMPUTE not in role.services:
        raise TemplateError(f"role {role.name}: {FUNCTION_COMPUTE} may not assume it")
