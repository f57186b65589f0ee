"""Run on its own: puts ROS templates through the vendor's own classes, and prints what they find wrong with each.

Reads a JSON list of templates, writes a JSON list of lists of problems. It is a process of its own because the classes
start node and leave it running. Found are missing and unknown properties, wrong types, values out of range, and keys
that the classes spell otherwise.
"""

import importlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ros_cdk_core as core


def keyword(name: str) -> str:
    """A property as Python writes it: QueueName is queue_name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def value(item: Any) -> Any:
    """A property's value as the classes take it; what ROS works out later passes as it is."""
    if isinstance(item, list):
        return [value(part) for part in item]
    if not isinstance(item, Mapping):
        return item
    if len(item) == 1 and next(iter(item)).startswith(("Ref", "Fn::")):
        return core.Token.as_any(item)
    return {name[0].lower() + name[1:]: value(part) for name, part in item.items()}


def rebuilt(name: str, resource: Mapping[str, Any]) -> Any:
    """The resource as the vendor's class for its type writes it."""
    _, service, kind = resource["Type"].split("::")
    module = importlib.import_module(f"ros_cdk_{service.lower()}")
    properties = {keyword(key): value(item) for key, item in resource["Properties"].items()}
    with tempfile.TemporaryDirectory() as folder:
        app = core.App(outdir=folder)
        stack = core.Stack(app, "stack")
        getattr(module, f"Ros{kind}")(stack, name, getattr(module, f"Ros{kind}Props")(**properties), True)
        app.synth()
        (written,) = Path(folder).glob("*.template.json")
        return json.loads(written.read_text())["Resources"][name]


def problem(name: str, resource: Mapping[str, Any]) -> str | None:
    """What is wrong with a resource, if anything."""
    try:
        again = rebuilt(name, resource)
    except Exception as error:  # noqa: BLE001 - the classes raise all kinds of errors
        return f"{name}: {error}"
    if again == {name: item for name, item in resource.items() if name != "Condition"}:
        return None
    return f"{name}: {json.dumps(again, sort_keys=True)} is not {json.dumps(resource, sort_keys=True)}"


if __name__ == "__main__":
    found = [[problem(*each) for each in template["Resources"].items()] for template in json.load(sys.stdin)]
    json.dump([[each for each in problems if each] for problems in found], sys.stdout)
