"""Checks of a deployment file by tools that nobody here wrote: Serverless Devs, the API's models, the schema, ROS."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from alibabacloud_fc20230330 import models

from tests.support.kept import kept
from tests.support.paths import ROOT

TOOL = ROOT / "node_modules" / ".bin" / "s"
SCHEMA = ROOT.parent / "shared" / "schemas" / "fc3.schema.json"

Document = Mapping[str, Any]

# What the tool turns into other calls, or fills in itself, before it sends a function to the API.
OF_THE_TOOL = {"region", "code", "triggers", "concurrencyConfig", "asyncInvokeConfig", "tags"}
TRIGGERS = {
    "http": (models.HTTPTriggerConfig, "IHttpTriggerConfig"),
    "eventbridge": (models.EventBridgeTriggerConfig, "IEventBridge"),
    "mns_topic": (models.MNSTopicTriggerConfig, "IMnsTriggerConfig"),
}
SOURCES = {"MNS": "sourceMNSParameters", "RocketMQ": "sourceRocketMQParameters", "RabbitMQ": "sourceRabbitMQParameters"}


def needs_node() -> None:
    """Skip a test where there is no node."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")


def preview(template: Path) -> Document:
    """Render a file as Serverless Devs does, once for the same text. Raises: ValueError: it cannot."""
    needs_node()
    if not TOOL.exists():
        pytest.skip("Serverless Devs is not installed: npm ci")
    files = [template, *sorted(template.parent.glob("*.yml")), ROOT / "template.yml", ROOT / "package-lock.json"]
    inputs = "\n".join(path.read_text(encoding="utf-8") for path in files)
    rendered: Document = json.loads(kept(template.stem, inputs, lambda: _rendered(template)).read_bytes())
    return rendered


def _rendered(template: Path) -> bytes:
    """The tool's output must be the file: its exit status proves nothing."""
    command = [str(TOOL), "preview", "-t", str(template), "-o", "json", "--silent"]
    with TemporaryDirectory() as home:
        environ = {"PATH": os.environ["PATH"], "HOME": home}
        run = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)
    if run.returncode or not run.stdout.startswith("{"):
        raise ValueError(run.stdout + run.stderr)
    return run.stdout.encode()


def functions(rendered: Document) -> dict[str, Document]:
    """The properties of every function, by the resource's name."""
    return {name: item["props"] for name, item in rendered["resources"].items() if item["component"] == "fc3"}


def unresolved(item: Any) -> set[str]:
    """The variables that are left in a rendered file."""
    return set(re.findall(r"\$\{([^}]*)\}", json.dumps(item)))


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The keys and values that did not come back from a model: those the API does not know."""
    if isinstance(before, Mapping):
        for key, item in before.items():
            if not isinstance(after, Mapping) or key not in after:
                yield f"{path}.{key} is unknown to the API"
            else:
                yield from lost(item, after[key], f"{path}.{key}")
    elif before != after:
        yield f"{path} is {after!r}, not {before!r}"


def through(model: Any, item: Document, path: str) -> Iterator[str]:
    """What a model of the API does not take of a document."""
    yield from lost(item, model().from_map(dict(item)).to_map(), path)


def api_problems(props: Document) -> list[str]:
    """What the models of Function Compute's API find in a function and its triggers."""
    function = {key: item for key, item in props.items() if key not in OF_THE_TOOL and item != "auto"}
    found = list(through(models.CreateFunctionInput, function, props["functionName"]))
    for key, model in (
        ("concurrencyConfig", models.PutConcurrencyInput),
        ("asyncInvokeConfig", models.PutAsyncInvokeConfigInput),
    ):
        found += through(model, props.get(key, {}), key)
    for trigger in props.get("triggers", []):
        found += trigger_problems(trigger)
    return found


def trigger_problems(trigger: Document) -> Iterator[str]:
    """What the API's models find in a trigger."""
    name, kind, config = trigger["triggerName"], trigger["triggerType"], trigger["triggerConfig"]
    if kind not in TRIGGERS:
        yield f"{name}: {kind} is no type of trigger"
        return
    yield from through(models.CreateTriggerInput, {**trigger, "triggerConfig": json.dumps(config)}, name)
    yield from through(TRIGGERS[kind][0], config, name)
    if kind == "eventbridge":
        source = config["eventSourceConfig"]
        if set(source["eventSourceParameters"]) != {SOURCES.get(source["eventSourceType"])}:
            yield f"{name}: the parameters are not those of source {source['eventSourceType']}"


def schema_problems(props: Document) -> list[str]:
    """What the tool's own schema finds in a function; it is read where it is there, and is no part of the project."""
    if not SCHEMA.is_file():
        pytest.skip("fc3.schema.json is not there")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(props)]
    for trigger in props.get("triggers", []):  # the schema itself lets any trigger's contents pass
        definition = {
            "$ref": f"#/definitions/{TRIGGERS[trigger['triggerType']][1]}",
            "definitions": schema["definitions"],
        }
        found += [
            error.message for error in jsonschema.Draft7Validator(definition).iter_errors(trigger["triggerConfig"])
        ]
    return found


def stack_problems(templates: Sequence[Document]) -> list[list[str]]:
    """What the vendor's ROS classes find in each of some ROS templates."""
    needs_node()
    script = Path(__file__).with_name("ros_check.py")
    environ = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
    run = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps(templates),
        capture_output=True,
        text=True,
        env=environ,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: list[list[str]] = json.loads(run.stdout)
    return found
