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
TOOLS = {"region", "code", "triggers", "concurrencyConfig", "asyncInvokeConfig", "tags"}
TRIGGERS = {
    "http": (models.HTTPTriggerConfig, "IHttpTriggerConfig"),
    "eventbridge": (models.EventBridgeTriggerConfig, "IEventBridge"),
    "mns_topic": (models.MNSTopicTriggerConfig, "IMnsTriggerConfig"),
}
SOURCES = {"MNS": "sourceMNSParameters", "RocketMQ": "sourceRocketMQParameters", "RabbitMQ": "sourceRabbitMQParameters"}


def preview(template: Path) -> Document:
    """Render a file as Serverless Devs does, once for the same text. Raises: ValueError: it cannot."""
    if shutil.which("node") is None or not TOOL.exists():
        pytest.skip("Serverless Devs is not installed: npm ci, where there is node")
    files = [template, *sorted(template.parent.glob("*.yml")), ROOT / "template.yml", ROOT / "package-lock.json"]
    inputs = "\n".join(path.read_text(encoding="utf-8") for path in files)
    rendered: Document = json.loads(kept(template.stem, inputs, lambda: _render(template)).read_bytes())
    return rendered


def _render(template: Path) -> bytes:
    """Run the tool. Its output must be the file: its exit status proves nothing."""
    command = [str(TOOL), "preview", "-t", str(template), "-o", "json", "--silent"]
    with TemporaryDirectory() as home:
        environ = {"PATH": os.environ["PATH"], "HOME": home}
        run = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)
    if run.returncode or not run.stdout.startswith("{"):
        raise ValueError(run.stdout + run.stderr)
    return run.stdout.encode()


def functions(rendered: Document) -> dict[str, Document]:
    """Return the properties of every function, by the resource's name."""
    return {name: item["props"] for name, item in rendered["resources"].items() if item["component"] == "fc3"}


def unresolved(item: Any) -> set[str]:
    """Return the variables that are left in a rendered file."""
    return set(re.findall(r"\$\{([^}]*)\}", json.dumps(item)))


def find_lost(before: Any, after: Any, path: str) -> Iterator[str]:
    """Describe the keys and values that did not come back from a model: those the API does not know."""
    if isinstance(before, Mapping):
        for key, item in before.items():
            if not isinstance(after, Mapping) or key not in after:
                yield f"{path}.{key} is unknown to the API"
            else:
                yield from find_lost(item, after[key], f"{path}.{key}")
    elif before != after:
        yield f"{path} is {after!r}, not {before!r}"


def api_problems(props: Document) -> list[str]:
    """Describe what the models of Function Compute's API find in a function and its triggers."""
    parts: list[tuple[Any, Document]] = [
        (models.CreateFunctionInput, {key: item for key, item in props.items() if key not in TOOLS and item != "auto"}),
        (models.PutConcurrencyInput, props.get("concurrencyConfig", {})),
        (models.PutAsyncInvokeConfigInput, props.get("asyncInvokeConfig", {})),
    ]
    problems = []
    for trigger in props.get("triggers", []):
        kind, config = trigger["triggerType"], trigger["triggerConfig"]
        if kind not in TRIGGERS:
            problems.append(f"{kind} is no type of trigger")
            continue
        parts.append((models.CreateTriggerInput, {**trigger, "triggerConfig": json.dumps(config)}))
        parts.append((TRIGGERS[kind][0], config))
        source = config.get("eventSourceConfig")
        if source and set(source["eventSourceParameters"]) != {SOURCES.get(source["eventSourceType"])}:
            problems.append(f"the parameters are not those of source {source['eventSourceType']}")
    for model, item in parts:
        problems += find_lost(item, model().from_map({**item}).to_map(), model.__name__)
    return problems


def schema_problems(props: Document) -> list[str]:
    """Describe what the tool's own schema finds in a function; it is read where it is, and is no part of the project."""
    if not SCHEMA.is_file():
        pytest.skip("fc3.schema.json is not there")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    parts = [(schema, props)]
    for trigger in props.get("triggers", []):  # the schema itself lets any trigger's contents pass
        place = f"#/definitions/{TRIGGERS[trigger['triggerType']][1]}"
        parts.append(({**schema, "$ref": place}, trigger["triggerConfig"]))
    return [error.message for part, item in parts for error in jsonschema.Draft7Validator(part).iter_errors(item)]


def stack_problems(templates: Sequence[Document]) -> list[list[str]]:
    """Describe what the vendor's ROS classes find in each of some ROS templates."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    command = [sys.executable, str(Path(__file__).with_name("ros_check.py"))]
    environ = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"}
    asked = json.dumps(templates)
    run = subprocess.run(command, input=asked, capture_output=True, text=True, env=environ, timeout=100, check=False)
    assert run.returncode == 0, run.stderr
    problems: list[list[str]] = json.loads(run.stdout)
    return problems
