"""template.yml as the local cloud carries it out: functions, queues, topic and roles, as they would be deployed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from emulator.eventbridge.config import QueueTrigger
from emulator.ram.keys import ACCOUNT_ID
from emulator.smq.topics import Subscription
from emulator.template.ros import Queue, Role, Stack, stack
from emulator.template.triggers import HttpTrigger, TopicTrigger, http_trigger, queue_trigger, topic_trigger
from emulator.template.variables import OUTPUT, TemplateError, Value, resolved, variables

FUNCTION_COMPUTE = "fc.aliyuncs.com"
DEFAULT_TIMEOUT = 3


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
    topics: tuple[TopicTrigger, ...]
    http: HttpTrigger | None


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
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    ready = stacks(document, environ, account_id)
    replaced = outputs or {}
    told = {name: {**made.outputs, **replaced} for name, made in ready.items()}
    lookup = variables(document, environ, told)
    props = [resolved(item["props"], lookup) for item in resources(document, "fc3")]
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
        outputs=MappingProxyType({key: value for outputs in told.values() for key, value in outputs.items()}),
    )


def resources(document: Mapping[str, Any], component: str) -> list[Mapping[str, Any]]:
    """The resources of one kind, as they stand in the file."""
    return [item for item in document["resources"].values() if item["component"] == component]


def stacks(document: Mapping[str, Any], environ: Mapping[str, str], account_id: str) -> dict[str, Stack]:
    """Make what the ROS templates in the file make: first those whose outputs others use, as the tool does."""
    made: dict[str, Stack] = {}
    left = {name: item["props"] for name, item in document["resources"].items() if item["component"] == "ros"}
    while left:
        # In a circle nobody is first; then the one that is tried says which output it misses.
        name = next((name for name, props in left.items() if not references(props) & left.keys()), next(iter(left)))
        lookup = variables(document, environ, {earlier: stack.outputs for earlier, stack in made.items()})
        props = resolved(left.pop(name), lookup)
        made[name] = stack(
            props["template"], region=props["region"], account_id=account_id, parameters=props.get("parameters")
        )
    return made


def references(value: Value) -> set[str]:
    """Return the resources whose outputs a document uses."""
    return {resource for resource, _ in OUTPUT.findall(str(value))}


def ros_templates(path: Path, *, environ: Mapping[str, str] = os.environ) -> dict[str, Value]:
    """Return the ROS templates that stand in a Serverless Devs file, by resource, with the file's variables put in."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    lookup = variables(document, environ, {})
    return {
        name: resolved(item["props"]["template"], lookup)
        for name, item in document["resources"].items()
        if item["component"] == "ros"
    }


def single_region(props: list[Mapping[str, Any]]) -> str:
    """The region of all functions: a queue and the function that it triggers must share one."""
    regions = sorted({str(item["region"]) for item in props})
    if len(regions) != 1:
        raise TemplateError(f"the functions are in more than one region: {', '.join(regions)}")
    return regions[0]


def function(props: Mapping[str, Any], root: Path) -> Function:
    """A function of component fc3."""
    initializer = props.get("instanceLifecycleConfig", {}).get("initializer", {})
    triggers = props.get("triggers", [])
    http = [http_trigger(item) for item in triggers if item["triggerType"] == "http"]
    return Function(
        name=props["functionName"],
        runtime=props["runtime"],
        handler=props["handler"],
        code=root / props["code"],
        memory=props["memorySize"],
        timeout=props.get("timeout", DEFAULT_TIMEOUT),
        instances=props.get("concurrencyConfig", {}).get("reservedConcurrency"),
        initializer=initializer.get("handler"),
        initializer_timeout=initializer.get("timeout", DEFAULT_TIMEOUT),
        role=props["role"].rpartition("role/")[2] if props.get("role") else None,
        variables=environment(props),
        queues=tuple(queue_trigger(item) for item in triggers if item["triggerType"] == "eventbridge"),
        topics=tuple(topic_trigger(item) for item in triggers if item["triggerType"] == "mns_topic"),
        http=http[0] if http else None,
    )


def environment(props: Mapping[str, Any]) -> Mapping[str, str]:
    """The variables of a function. The platform takes text and nothing else."""
    values = props.get("environmentVariables", {})
    for name, value in values.items():
        if not isinstance(value, str):
            raise TemplateError(f"{props['functionName']}: {name} must be text, put it in quotes")
    return MappingProxyType(dict(values))


def check_role(function: Function, roles: tuple[Role, ...]) -> None:
    """A function can only have a role of the stack that lets Function Compute assume it."""
    role = next((role for role in roles if role.name == function.role), None)
    if function.role and role is None:
        raise TemplateError(f"{function.name}: no role {function.role} in the stack")
    if role and FUNCTION_COMPUTE not in role.services:
        raise TemplateError(f"role {role.name}: {FUNCTION_COMPUTE} may not assume it")
