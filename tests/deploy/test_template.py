"""template.yml and the files beside it, checked with the vendor's own tools; and the checks, checked with planted mistakes."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.infra import main as write_infra
from emulator.template.reader import ros_templates
from handler.settings import Settings
from tests.support import vendor
from tests.support.paths import ROOT
from tests.support.vendor import Document

TEMPLATE = ROOT / "template.yml"
SOURCES = ROOT / "examples" / "sources.yml"
FILES = [TEMPLATE, SOURCES, ROOT / "tests/conformance/probe.yml", *sorted((ROOT / "environments").glob("*.yml"))]
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
STACKS = ros_templates(TEMPLATE)
TOOLS_OWN = "config('AccountID')"


def functions(path: Path = TEMPLATE) -> dict[str, Document]:
    """Return the functions of a file as Serverless Devs renders them."""
    return vendor.functions(vendor.preview(path))


@EACH
def test_the_vendors_tools_find_nothing_wrong(path: Path) -> None:
    """The API's models know every key of functions and triggers; types, ranges and choices are those of component fc3.

    And nothing names an account.
    """
    text, described = path.read_text(encoding="utf-8"), functions(path).values()
    assert re.findall(r"\d{12,}|LTAI\w+|[Aa]ccess_?[Kk]ey", text) == []
    assert yaml.safe_load(text)["access"] == "default"
    assert described
    assert [problem for props in described for problem in vendor.api_problems(props)] == []
    assert [problem for props in described for problem in vendor.schema_problems(props)] == []


@pytest.mark.parametrize("path", [TEMPLATE, SOURCES], ids=lambda path: path.stem)
def test_every_variable_has_a_value_and_is_a_setting_of_the_function(path: Path) -> None:
    """What the tool cannot know before the stack is made is one of its outputs. A misspelt variable would be ignored."""
    outputs = {f"resources.infra.output.{name}" for name in STACKS["infra"]["Outputs"]}
    assert vendor.unresolved(vendor.preview(path)) <= {*outputs, TOOLS_OWN}
    variables = {name for props in functions(path).values() for name in props["environmentVariables"]}
    assert variables <= set(Settings.model_fields)


def changed(folder: Path, old: str, new: str) -> Path:
    """Copy template.yml into a folder, with one text in place of another."""
    path = folder / "template.yml"
    path.write_text(TEMPLATE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return path


def test_tracing_is_taken_as_the_template_says_it_is_switched_on(tmp_path: Path) -> None:
    jaeger = "tracing: {type: Jaeger, params: {endpoint: 'http://tracing.example/api/traces'}}"
    queue = functions(changed(tmp_path, "tracing: {}", jaeger))["queue"]
    assert queue["tracingConfig"]["type"] == "Jaeger"
    assert vendor.api_problems(queue) == []


def test_serverless_devs_catches_a_misspelt_variable(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="regoin"):
        vendor.preview(changed(tmp_path, "${vars.region}", "${vars.regoin}"))


CONFIG = "triggers/0/triggerConfig"
SOURCE = f"{CONFIG}/eventSourceConfig"


@pytest.mark.parametrize(
    ("check", "place", "value", "named"),
    [
        (vendor.api_problems, "memorysize", 512, "memorysize"),
        (vendor.api_problems, f"{SOURCE}/eventSourceParameters/sourceMNSParameters/Queuename", "q", "Queuename"),
        (vendor.api_problems, f"{CONFIG}/runOptions/maximumTasks", 3, "maximumTasks"),
        (vendor.api_problems, "triggers/0/triggerType", "mns_queue", "mns_queue"),
        (vendor.api_problems, f"{SOURCE}/eventSourceType", "SMQ", "SMQ"),
        (vendor.schema_problems, "runtime", "python3.11", "python3.11"),
        (vendor.schema_problems, "memorySize", 64, "64"),
        (vendor.schema_problems, "memorySize", 200, "200"),
        (vendor.schema_problems, "timeout", 0, "0"),
        (vendor.schema_problems, "handler", None, "handler"),
        (vendor.schema_problems, "environmentVariables", {"OTA_QPS": 6}, "6"),
        (vendor.schema_problems, "concurrencyConfig", {}, "reservedConcurrency"),
        (vendor.schema_problems, f"{CONFIG}/authType", "secret", "secret"),
    ],
)
def test_a_planted_mistake_in_a_function_is_caught(
    check: Callable[[Document], list[str]], place: str, value: object, named: str
) -> None:
    """A key or a kind that is unknown, a value out of range or of the wrong type is found, and named."""
    props = spoilt(functions()["http" if "authType" in place else "queue"], place, value)
    assert any(named in problem for problem in check(props))


def spoilt(document: Document, place: str, value: object) -> Any:
    """Copy a document with another value at a place, or nothing there where the value is None."""
    copied: Any = copy.deepcopy(document)
    part, (*way, last) = copied, place.split("/")
    for name in way:
        part = part[int(name) if isinstance(part, list) else name]
    part.pop(last, None)
    part |= {} if value is None else {last: value}
    return copied


MISTAKES: list[tuple[str, str, object, str]] = [
    ("Requests", "QueueName", None, "queue_name"),
    ("Requests", "Bogus", 1, "bogus"),
    ("Requests", "VisibilityTimeout", 86400, "visibilityTimeout"),
    ("Requests", "DlqPolicy/MaxReceiveCount", None, "maxReceiveCount"),
    ("Requests", "DlqPolicy/enabled", True, "Enabled"),
    ("OutcomeSubscription", "PushType", "pigeon", "pushType"),
    ("Results", "TopicName", None, "topic_name"),
    ("Role", "AssumeRolePolicyDocument/Statement", None, "statement"),
    ("DeadLetters", "ContactGroups", None, "contact_groups"),
    ("Backlog", "Escalations/Warn/ComparisonOperator", "Huge", "comparisonOperator"),
    ("GivenUp", "Detail/Configuration/QueryList", None, "queryList"),
    ("Dashboard", "Charts", None, "charts"),
    ("Search1", "Detail/SavedsearchName", None, "savedsearchName"),
]


def test_the_vendors_classes_find_nothing_wrong_with_the_stacks_and_catch_planted_mistakes() -> None:
    """Required properties, types, ranges and nested keys are as ROS has them; each mistake is found, and named."""
    resources: Any = {**STACKS["infra"]["Resources"], **STACKS["alarms"]["Resources"]}
    bad = [
        {"Resources": {item: spoilt(resources[item], f"Properties/{place}", value)}}
        for item, place, value, _ in MISTAKES
    ]
    infra, alarms, *problems = vendor.stack_problems([STACKS["infra"], STACKS["alarms"], *bad])
    assert infra == alarms == []
    names = [named for *_, named in MISTAKES]
    assert [name for name, texts in zip(names, problems, strict=True) if not any(name in text for text in texts)] == []


def test_the_shares_of_the_quota_add_up_to_nine_and_a_batch_is_done_while_its_delivery_waits() -> None:
    """One of the account's ten calls is left to others. EventBridge waits 300 s, and a full batch takes less than half."""
    props: dict[str, Any] = dict(functions())
    assert sum(float(each["environmentVariables"]["OTA_QPS"]) for each in props.values()) <= 9
    queue = props["queue"]
    window = queue["triggers"][0]["triggerConfig"]["runOptions"]["batchWindow"]
    assert queue["timeout"] <= 300
    assert window["CountBasedWindow"] / float(queue["environmentVariables"]["OTA_QPS"]) < queue["timeout"] / 2


def test_smq_does_not_give_a_message_up_before_the_stream_does() -> None:
    """Receptions, as far apart as they can be, take longer than the day for which the stream retries."""
    properties = STACKS["infra"]["Resources"]["Requests"]["Properties"]
    assert properties["VisibilityTimeout"] * properties["DlqPolicy"]["MaxReceiveCount"] > 86400


def test_infra_is_the_stacks_templates_with_nothing_left_to_put_in(tmp_path: Path) -> None:
    """The files of their own need no tool but ROS."""
    write_infra(["--output", str(tmp_path)])
    written = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json")}
    assert written == STACKS
    assert vendor.unresolved(written) == set()
