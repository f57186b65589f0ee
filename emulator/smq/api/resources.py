"""The operations that queues and topics have in common, and the lists of resources."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from emulator.smq.api.calls import Call, Operation, Reply, Run, has
from emulator.smq.limits import Limit
from emulator.smq.registry import Registry
from emulator.smq.service import MessageService
from emulator.smq.wire import Content, flag, number, read

LARGEST_PAGE = 1000


def resource_operations(
    kind: str,
    registry: Callable[[MessageService], Registry[Any]],
    describe: Callable[[Call, str], Content],
    numbers: Mapping[str, str],
    create: Run,
) -> tuple[Operation, ...]:
    """Return the operations on the resources of a kind, `Queue` or `Topic`.

    `numbers` are the attributes that are numbers: their names in the API, and in the registry.
    """
    path = f"{kind.lower()}s"

    async def list_resources(call: Call) -> Reply:
        def describe_item(name: str, with_meta: bool) -> Content:
            return {f"{kind}URL": f"{call.base}/{path}/{name}", **(describe(call, name) if with_meta else {})}

        return list_reply(call, f"{kind}s", registry(call.service).names(), kind, describe_item)

    async def set_attributes(call: Call) -> Reply:
        name, resources = call.names[path], registry(call.service)
        resources.change(name, replace(resources.get(name).attributes, **read_attributes(call, kind, numbers)))
        return Reply(204)

    async def get_attributes(call: Call) -> Reply:
        return Reply(200, kind, describe(call, call.names[path]))

    async def delete(call: Call) -> Reply:
        registry(call.service).remove(call.names[path])
        call.service.wake()
        return Reply(204)

    item = f"{path}/{{{path}}}"
    return (
        Operation(f"List{kind}", "GET", path, list_resources),
        Operation(f"Set{kind}Attributes", "PUT", item, set_attributes, has("metaoverride")),
        Operation(f"Create{kind}", "PUT", item, create),
        Operation(f"Get{kind}Attributes", "GET", item, get_attributes),
        Operation(f"Delete{kind}", "DELETE", item, delete),
    )


def read_attributes(call: Call, kind: str, numbers: Mapping[str, str]) -> dict[str, Any]:
    """Read the attributes that a request's body sets. Raises: SmqError."""
    root = read(call.body, kind)
    values: dict[str, Any] = {attribute: number(root, name) for name, attribute in numbers.items()}
    values["logging_enabled"] = flag(root, "LoggingEnabled")
    return {attribute: value for attribute, value in values.items() if value is not None}


def list_reply(
    call: Call, root: str, names: Iterable[str], item: str, describe: Callable[[str, bool], Content]
) -> Reply:
    """Answer with the page of a list that the call's headers ask for: `names` are sorted.

    `describe` is called with a name, and with True where all attributes are asked for. NextMarker is given only where there
    is more, since the SDK cannot read an empty one. Raises: InvalidArgument.
    """
    count = call.headers.get("x-mns-ret-number", str(LARGEST_PAGE))
    most = int(count) if count.isascii() and count.isdecimal() and len(count) < 9 else 0
    Limit(1, LARGEST_PAGE).check("x-mns-ret-number", most)
    prefix, marker = call.headers.get("x-mns-prefix", ""), call.headers.get("x-mns-marker", "")
    with_meta = call.headers.get("x-mns-with-meta", "").lower() == "true"
    left = [name for name in names if name.startswith(prefix) and name > marker]
    page = left[:most]
    items = [describe(name, with_meta) for name in page]
    return Reply(200, root, {item: items, "NextMarker": page[-1] if len(left) > most else None})


def created_reply(call: Call, new: bool) -> Reply:
    """Answer with 201, or 204 if it existed; the SDK needs Location with both."""
    return Reply(201 if new else 204, headers={"Location": call.url})
