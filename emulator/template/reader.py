"""Reads template.yml: the functions, queues, topic and roles that it deploys."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from emulator.ram.keys import ACCOUNT_ID
from emulator.template.document import TemplateFile
from emulator.template.ros import Role, Stack, build
from emulator.template.schema import Function, Resource, StackProps, validate
from emulator.template.variables import OUTPUT, Lookup, TemplateError, Value, lookup_in, resolve

FUNCTION_COMPUTE = "fc.aliyuncs.com"


@dataclass(frozen=True)
class Template(Stack):
    """All that a Serverless Devs file deploys."""

    region: str
    functions: tuple[Function, ...]


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
    file = TemplateFile(path)
    stacks = _build_stacks(file, environ, account_id, outputs or {})
    lookup = lookup_in(file.content, environ, {name: stack.outputs for name, stack in stacks.items()})
    functions = tuple(_read_function(file, name, lookup) for name in _list_resources(file, "fc3"))
    roles = tuple(role for stack in stacks.values() for role in stack.roles)
    for function in functions:
        _check_role(function, roles)
    return Template(
        queues=tuple(queue for stack in stacks.values() for queue in stack.queues),
        topics=tuple(topic for stack in stacks.values() for topic in stack.topics),
        subscriptions=tuple(item for stack in stacks.values() for item in stack.subscriptions),
        roles=roles,
        outputs=MappingProxyType({key: value for stack in stacks.values() for key, value in stack.outputs.items()}),
        region=_find_region(file, functions),
        functions=functions,
    )


def ros_templates(path: Path, *, environ: Mapping[str, str] = os.environ) -> dict[str, Value]:
    """Return the ROS templates in a Serverless Devs file, by resource, with the file's variables replaced.

    Raises: TemplateError.
    """
    file = TemplateFile(path)
    lookup = lookup_in(file.content, environ, {})
    names = _list_resources(file, "ros")
    return {name: resolve(file.content["resources"][name]["props"]["template"], lookup) for name in names}


def _list_resources(file: TemplateFile, component: str) -> list[str]:
    """Return the names of the resources of one component. Raises: TemplateError: an entry is not a resource."""
    resources = file.content.get("resources") or {}
    for name, item in resources.items():
        validate(Resource, item, file, "resources", name)
    return [name for name, item in resources.items() if item["component"] == component]


def _resolve_props(file: TemplateFile, name: str, lookup: Lookup) -> Value:
    try:
        return resolve(file.content["resources"][name]["props"], lookup)
    except TemplateError as error:
        raise TemplateError(f"{file.place('resources', name)}: {error}") from None


def _read_function(file: TemplateFile, name: str, lookup: Lookup) -> Function:
    function = validate(Function, _resolve_props(file, name, lookup), file, "resources", name, "props")
    return function.model_copy(update={"code": file.path.parent / function.code})


def _build_stacks(
    file: TemplateFile, environ: Mapping[str, str], account_id: str, outputs: Mapping[str, str]
) -> dict[str, Stack]:
    """Build the ROS stacks in the file, those whose outputs others use first, as the tool does; `outputs` replace their own."""
    stacks: dict[str, Stack] = {}
    unbuilt = {name: file.content["resources"][name]["props"] for name in _list_resources(file, "ros")}
    while unbuilt:
        # In a circle none is first: the one that is built then reports the output that is missing.
        ready = [name for name, props in unbuilt.items() if not _find_references(props) & unbuilt.keys()]
        name = (ready or [*unbuilt])[0]
        del unbuilt[name]
        lookup = lookup_in(file.content, environ, {earlier: stack.outputs for earlier, stack in stacks.items()})
        props = validate(StackProps, _resolve_props(file, name, lookup), file, "resources", name, "props")
        stack = build(props.template, region=props.region, account_id=account_id, parameters=props.parameters)
        stacks[name] = replace(stack, outputs={**stack.outputs, **outputs})
    return stacks


def _find_references(props: Value) -> set[str]:
    """Return the resources whose outputs a document uses."""
    return {resource for resource, _ in OUTPUT.findall(str(props))}


def _find_region(file: TemplateFile, functions: tuple[Function, ...]) -> str:
    """Return the region of all functions: a queue and the function that it triggers must share one."""
    regions = sorted({function.region for function in functions})
    if not regions:
        raise TemplateError(f"{file.place('resources')}: holds no function (component: fc3)")
    if len(regions) != 1:
        raise TemplateError(f"the functions are in more than one region: {', '.join(regions)}")
    return regions[0]


def _check_role(function: Function, roles: tuple[Role, ...]) -> None:
    """Refuse a role that is not of the stack, or that Function Compute may not assume."""
    role = next((role for role in roles if role.name == function.role), None)
    if function.role and role is None:
        raise TemplateError(f"{function.name}: no role {function.role} in the stack")
    if role and FUNCTION_COMPUTE not in role.services:
        raise TemplateError(f"role {role.name}: {FUNCTION_COMPUTE} may not assume it")
