"""Run on its own: puts a JSON list of ROS templates through the vendor's own classes, and prints a list of problems for each.

It is a process of its own because the classes start node and leave it running. Found are missing and unknown properties,
wrong types, values out of range, and keys that the classes spell otherwise.
"""

import importlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ros_cdk_core as core


def convert(item: Any) -> Any:
    """Turn a property's value into what the classes take; what ROS works out later passes as it is."""
    if isinstance(item, list):
        return [convert(part) for part in item]
    if not isinstance(item, Mapping):
        return item
    if len(item) == 1 and next(iter(item)).startswith(("Ref", "Fn::")):
        return core.Token.as_any(item)
    return {name[0].lower() + name[1:]: convert(part) for name, part in item.items()}


def rebuild(name: str, resource: Mapping[str, Any]) -> Any:
    """Write the resource as the vendor's class for its type does; in Python QueueName is queue_name."""
    _, service, kind = resource["Type"].split("::")
    module = importlib.import_module(f"ros_cdk_{service.lower()}")
    words = {key: re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower() for key in resource["Properties"]}
    properties = {words[key]: convert(item) for key, item in resource["Properties"].items()}
    with tempfile.TemporaryDirectory() as folder:
        app = core.App(outdir=folder)
        stack = core.Stack(app, "stack")
        getattr(module, f"Ros{kind}")(stack, name, getattr(module, f"Ros{kind}Props")(**properties), True)
        app.synth()
        (written,) = Path(folder).glob("*.template.json")
        return json.loads(written.read_text())["Resources"][name]


def find_problems(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Describe what is wrong with each resource, if anything."""
    for name, resource in resources.items():
        try:
            again = rebuild(name, resource)
        except Exception as error:  # noqa: BLE001 - the classes raise all kinds of errors
            yield f"{name}: {error}"
        else:
            if again != {key: item for key, item in resource.items() if key != "Condition"}:
                yield f"{name}: {json.dumps(again, sort_keys=True)} is not {json.dumps(resource, sort_keys=True)}"


if __name__ == "__main__":
    json.dump([list(find_problems(template["Resources"])) for template in json.load(sys.stdin)], sys.stdout)
