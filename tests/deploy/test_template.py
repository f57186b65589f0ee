"""template.yml, checked with the vendor's own tools; and the checks, checked with planted mistakes."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.infra import main as write_infra
from emulator.template.reader import load, ros_templates
from handler.settings import Settings
from tests.support import vendor
from tests.support.paths import ROOT
from tests.support.vendor import Document

TEMPLATE = ROOT / "template.yml"
SOURCES = ROOT / "examples" / "sources.yml"
PROBE = ROOT / "tests" / "conformance" / "probe.yml"
BOTH = pytest.mark.parametrize("path", [TEMPLATE, SOURCES, PROBE], ids=lambda path: path.name)
ALL_RENDERED = pytest.mark.parametrize(
    "rendered", [TEMPLATE, SOURCES, PROBE], ids=lambda path: path.name, indirect=True
)
RENDERED = pytest.mark.parametrize("rendered", [TEMPLATE, SOURCES], ids=lambda path: path.name, indirect=True)
TOOLS_OWN = {"config('AccountID')"}

Mistake = Callable[[Any], None]


@pytest.fixture(scope="module")
def rendered(request: pytest.FixtureRequest) -> Document:
    """A file as Serverless Devs renders it: template.yml, unless the test names another."""
    return vendor.preview(getattr(request, "param", TEMPLATE))


@pytest.fixture(scope="module")
def stack() -> Document:
    """The ROS template of queues, topic, log and role that stands in template.yml."""
    template: Document = ros_templates(TEMPLATE)["infra"]
    return template


@RENDERED
def test_no_variable_is_left_but_what_the_stack_puts_out(rendered: Document, stack: Document) -> None:
    """Whatever the tool cannot know before the stack is made is one of the stack's outputs."""
    outputs = {f"resources.infra.output.{name}" for name in stack["Outputs"]}
    assert vendor.unresolved(rendered) <= outputs | TOOLS_OWN


@ALL_RENDERED
def test_the_api_knows_every_key_of_the_functions_and_triggers(rendered: Document) -> None:
    """Nothing that is deployed is lost in the models of Function Compute's API."""
    functions = vendor.functions(rendered)
    assert functions
    assert [problem for props in functions.values() for problem in vendor.api_problems(props)] == []


@ALL_RENDERED
def test_the_tools_own_schema_finds_nothing_wrong(rendered: Document) -> None:
    """Types, ranges and choices are those of component fc3."""
    functions = vendor.functions(rendered)
    assert [problem for props in functions.values() for problem in vendor.schema_problems(props)] == []


def test_tracing_is_taken_as_the_template_says_it_is_switched_on(tmp_path: Path) -> None:
    """The value that the comment names goes through the API's models."""
    text = TEMPLATE.read_text(encoding="utf-8")
    value = "{type: Jaeger, params: {endpoint: 'http://tracing.example/api/traces'}}"
    changed = tmp_path / "template.yml"
    changed.write_text(text.replace("tracing: {}", f"tracing: {value}"), encoding="utf-8")
    functions = vendor.functions(vendor.preview(changed))
    assert functions["queue"]["tracingConfig"]["type"] == "Jaeger"
    assert vendor.api_problems(functions["queue"]) == []


def misspell_memory(props: Any) -> None:
    props["memorysize"] = props.pop("memorySize")


def misspell_queue_name(props: Any) -> None:
    source = props["triggers"][0]["triggerConfig"]["eventSourceConfig"]["eventSourceParameters"]["sourceMNSParameters"]
    source["Queuename"] = source.pop("QueueName")


def add_trigger_field(props: Any) -> None:
    props["triggers"][0]["triggerConfig"]["runOptions"]["maximumTasks"] = 3


def name_unknown_trigger(props: Any) -> None:
    props["triggers"][0]["triggerType"] = "mns_queue"


def name_unknown_source(props: Any) -> None:
    props["triggers"][0]["triggerConfig"]["eventSourceConfig"]["eventSourceType"] = "SMQ"


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        (misspell_memory, "memorysize"),
        (misspell_queue_name, "Queuename"),
        (add_trigger_field, "maximumTasks"),
        (name_unknown_trigger, "mns_queue"),
        (name_unknown_source, "SMQ"),
    ],
)
def test_the_apis_models_catch_a_planted_mistake(rendered: Document, mistake: Mistake, named: str) -> None:
    """A key or a kind that the API does not know is found, and named."""
    props = copy.deepcopy(vendor.functions(rendered)["queue"])
    mistake(props)
    assert any(named in problem for problem in vendor.api_problems(props))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"runtime": "python3.11"}, "python3.11"),
        ({"memorySize": 64}, "64"),
        ({"memorySize": 200}, "200"),
        ({"timeout": 0}, "0"),
        ({"handler": None}, "None"),
        ({"environmentVariables": {"OTA_QPS": 6}}, "6"),
        ({"concurrencyConfig": {}}, "reservedConcurrency"),
    ],
)
def test_the_tools_schema_catches_a_planted_mistake(rendered: Document, changes: Document, named: str) -> None:
    """A value out of range or of the wrong type is found, and named."""
    problems = vendor.schema_problems({**vendor.functions(rendered)["queue"], **changes})
    assert any(named in problem for problem in problems)


def test_the_tools_schema_catches_an_unknown_way_to_sign(rendered: Document) -> None:
    """The contents of a trigger are checked too, though the schema itself lets any pass."""
    props = copy.deepcopy(vendor.functions(rendered)["http"])
    trigger: Any = props["triggers"][0]
    trigger["triggerConfig"]["authType"] = "secret"
    assert any("secret" in problem for problem in vendor.schema_problems(props))


def test_serverless_devs_catches_a_misspelt_variable(tmp_path: Path) -> None:
    """A variable that is not defined does not render."""
    text = TEMPLATE.read_text(encoding="utf-8").replace("${vars.region}", "${vars.regoin}")
    (tmp_path / "template.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="regoin"):
        vendor.preview(tmp_path / "template.yml")


def test_the_vendors_classes_find_nothing_wrong_with_the_stack_and_catch_planted_mistakes(stack: Document) -> None:
    """Required properties, types, ranges and nested keys are as ROS has them; each mistake is found, and named."""
    mistakes = {
        "queue_name": spoilt(stack, "Requests", lambda properties: properties.pop("QueueName")),
        "bogus": spoilt(stack, "Requests", lambda properties: properties.update(Bogus=1)),
        "visibilityTimeout": spoilt(stack, "Requests", lambda properties: properties.update(VisibilityTimeout=86400)),
        "maxReceiveCount": spoilt(stack, "Requests", lambda properties: properties["DlqPolicy"].pop("MaxReceiveCount")),
        "Enabled": spoilt(stack, "Requests", lambda properties: properties["DlqPolicy"].update(enabled=True)),
        "pushType": spoilt(stack, "OutcomeSubscription", lambda properties: properties.update(PushType="pigeon")),
        "topic_name": spoilt(stack, "Results", lambda properties: properties.clear()),
        "statement": spoilt(stack, "Role", lambda properties: properties["AssumeRolePolicyDocument"].pop("Statement")),
    }
    good, *bad = vendor.stack_problems([stack, *mistakes.values()])
    assert good == []
    missed = [name for name, problems in zip(mistakes, bad, strict=True) if not any(name in item for item in problems)]
    assert missed == []


def spoilt(template: Document, resource: str, mistake: Mistake) -> Document:
    """A copy of a template with a mistake in a resource's properties, and nothing else in it."""
    item = copy.deepcopy(template["Resources"][resource])
    mistake(item["Properties"])
    return {"Resources": {resource: item}}


def test_the_shares_of_the_quota_add_up_to_nine(rendered: Document) -> None:
    """All functions together leave one of the account's ten calls to others."""
    variables = [props["environmentVariables"] for props in vendor.functions(rendered).values()]
    assert sum(float(item["OTA_QPS"]) for item in variables) <= 9


def test_a_share_is_divided_by_as_many_instances_as_there_may_be(rendered: Document) -> None:
    """OTA_QUOTA_INSTANCES tells the truth about reservedConcurrency."""
    for props in vendor.functions(rendered).values():
        allowed = props["concurrencyConfig"]["reservedConcurrency"]
        assert props["environmentVariables"]["OTA_QUOTA_INSTANCES"] == str(allowed)


def test_a_function_may_never_work_longer_than_a_delivery_waits(rendered: Document) -> None:
    """EventBridge waits 300 s, and a full batch is done well before that."""
    props = vendor.functions(rendered)["queue"]
    window = props["triggers"][0]["triggerConfig"]["runOptions"]["batchWindow"]
    assert props["timeout"] <= 300
    assert window["CountBasedWindow"] / float(props["environmentVariables"]["OTA_QPS"]) < props["timeout"] / 2


def test_smq_does_not_give_a_message_up_before_the_stream_does(stack: Document) -> None:
    """Receptions, as far apart as they can be, take longer than the day for which the stream retries."""
    properties = stack["Resources"]["Requests"]["Properties"]
    assert properties["VisibilityTimeout"] * properties["DlqPolicy"]["MaxReceiveCount"] > 86400


@RENDERED
def test_every_variable_is_a_setting_of_the_function(rendered: Document) -> None:
    """A misspelt variable would be ignored in silence."""
    for props in vendor.functions(rendered).values():
        assert set(props["environmentVariables"]) <= set(Settings.model_fields)


def test_the_function_takes_the_variables_that_are_deployed() -> None:
    """With the stack's outputs put in, every value is one that the function accepts without a warning."""
    for function in load(TEMPLATE).functions:
        settings = Settings.read({**function.variables, "FC_REGION": "cn-shanghai"})
        assert settings.warnings() == []


@BOTH
def test_nothing_names_an_account(path: Path) -> None:
    """Keys and account come from the tool's own configuration."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"\d{12,}|LTAI\w+|[Aa]ccess_?[Kk]ey", text) == []
    assert yaml.safe_load(text)["access"] == "default"


def test_infra_is_the_stacks_template_with_nothing_left_to_put_in(tmp_path: Path, stack: Document) -> None:
    """The file of its own needs no tool but ROS."""
    write_infra(["--output", str(tmp_path)])
    written = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json")}
    assert written.keys() == {"infra", "alarms"}
    assert written["infra"] == stack
    assert vendor.unresolved(written) == set()


def test_the_lock_of_the_tool_names_no_registry() -> None:
    """npm ci takes the pinned tool from whatever registry is configured, and its hash decides."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = [item for name, item in lock["packages"].items() if name]
    assert all("resolved" not in item and item["integrity"].startswith("sha512-") for item in packages)
