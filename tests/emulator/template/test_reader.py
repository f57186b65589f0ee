"""template.yml as the local cloud reads it, without node."""

import json
from pathlib import Path

import pytest

from emulator.eventbridge.config import QueueTrigger
from emulator.smq.topics import Subscription
from emulator.template.reader import Template, load
from emulator.template.schema import Function
from emulator.template.variables import TemplateError
from tests.support import vendor
from tests.support.paths import ROOT

TEMPLATE = ROOT / "template.yml"
ENVIRONMENTS = sorted((ROOT / "environments").glob("*.yml"))
LOCAL = {"MnsEndpoint": "http://127.0.0.1:9702"}


@pytest.fixture(scope="module")
def template() -> Template:
    return load(TEMPLATE, environ={}, outputs=LOCAL)


def load_changed(folder: Path, old: str, new: str) -> Template:
    """Read template.yml with one text in it replaced."""
    text = TEMPLATE.read_text(encoding="utf-8")
    assert old in text
    (folder / "template.yml").write_text(text.replace(old, new), encoding="utf-8")
    return load(folder / "template.yml", environ={})


def named(template: Template, name: str) -> Function:
    return next(function for function in template.functions if function.name == name)


def test_functions_are_read_with_their_limits_code_role_and_triggers(template: Template) -> None:
    function = named(template, "ota-modules-queue")
    assert (function.memory, function.timeout, function.instances) == (128, 300, 1)
    assert (function.handler, function.initializer) == ("handler.index.handler", "handler.index.initialize")
    assert (function.code, function.role) == (TEMPLATE.parent / "dist" / "function", "ota-modules")
    http = named(template, "ota-modules-http")
    assert http.http
    assert (http.http.auth, http.queues) == ("function", ())
    assert http.http.methods == ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
    assert http.variables["OTA_MNS_ENDPOINT"] == LOCAL["MnsEndpoint"]
    [trigger] = function.queues
    expected = {"name": "requests", "queue": "ota-module-requests", "dead_letter_queue": "ota-module-dead-letters"}
    window = {"batch_messages": 100, "batch_seconds": 1}
    errors = {"retry_strategy": "EXPONENTIAL_DECAY_RETRY", "errors_tolerance": "ALL"}
    assert trigger == QueueTrigger.model_validate({**expected, **window, **errors})


def test_queues_and_topic_are_those_of_the_stack(template: Template) -> None:
    names = {f"ota-module-{name}" for name in ("requests", "dead-letters", "outcomes")}
    assert ({queue.name for queue in template.queues}, template.topics) == (names, ("ota-module-results",))
    endpoint = "acs:mns:cn-shanghai:1234567890123456:queues/ota-module-outcomes"
    expected = Subscription("ota-module-results", "ota-module-outcomes", endpoint, notify_format="SIMPLIFIED")
    assert template.subscriptions == (expected,)


def test_the_role_may_do_what_the_function_does_and_nothing_else(template: Template) -> None:
    """Exactly the actions used, on exactly the topic and queues used."""
    permitted = {
        "topics/ota-module-results": {"PublishMessage"},
        "queues/ota-module-requests": {"SendMessage", "BatchSendMessage"},
        "queues/ota-module-dead-letters": {"SendMessage"},
        "queues/ota-module-outcomes": set(),
    }
    permits = template.roles[0].policy.permits
    assert (permits("iot:CreateOTAModule", "*"), permits("iot:DeleteOTAModule", "*")) == (True, False)
    for name, actions in permitted.items():
        resource = f"acs:mns:cn-shanghai:1234567890123456:/{name}/messages"
        known = {"PublishMessage", "SendMessage", "BatchSendMessage", "ReceiveMessage"}
        assert {action for action in known if permits(f"mns:{action}", resource)} == actions


def test_a_queue_renamed_in_the_template_is_renamed_everywhere(tmp_path: Path) -> None:
    template = load_changed(tmp_path, "request_queue: ota-module-requests", "request_queue: renamed")
    function = named(template, "ota-modules-queue")
    assert "renamed" in {queue.name for queue in template.queues}
    assert (function.queues[0].queue, function.variables["OTA_REQUEST_QUEUE"]) == ("renamed", "renamed")
    resource = "acs:mns:cn-shanghai:1234567890123456:/queues/renamed/messages"
    assert template.roles[0].policy.permits("mns:SendMessage", resource)


def test_a_role_that_the_function_cannot_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"fc\.aliyuncs\.com may not assume it"):
        load_changed(tmp_path, "Service: [fc.aliyuncs.com]", "Service: [ecs.aliyuncs.com]")
    with pytest.raises(TemplateError, match="no role other"):
        load_changed(tmp_path, "role: ${resources.infra.output.RoleArn}", "role: acs:ram::1:role/other")


@pytest.mark.parametrize("path", [TEMPLATE, *ENVIRONMENTS], ids=lambda path: path.stem)
def test_functions_are_the_same_as_serverless_devs_renders_them(path: Path) -> None:
    """Our reader and the vendor's tool agree about every value that both read, also in a file that extends another."""
    template = load(path, environ={}, outputs=LOCAL)
    text = json.dumps(vendor.preview(path))
    for name, value in template.outputs.items():
        text = text.replace(f"${{resources.infra.output.{name}}}", value)
    rendered = vendor.functions(json.loads(text)).values()
    assert {props["functionName"] for props in rendered} == {function.name for function in template.functions}
    for props in rendered:
        function = named(template, props["functionName"])
        assert dict(function.variables) == props["environmentVariables"]
        assert (function.memory, function.timeout) == (props["memorySize"], props["timeout"])
        disabled = props.get("disableOndemand", False)
        assert function.instances == (0 if disabled else props["concurrencyConfig"]["reservedConcurrency"])
        assert props["role"].endswith(f"role/{function.role}")


WRONG_VALUES = {
    "http_instances: 2": ("http_instances: '2'", "reservedConcurrency: must be a number, without quotes .it is '2'"),
    "timeout: 60": ("timeout: '60'", "http.props.timeout: must be a whole number, without quotes .it is '60'"),
    "memorySize: 128": ("memorySize: '128'", "props.memorySize: must be a whole number, without quotes"),
    "triggerEnable: true": ("triggerEnable: 'false'", "triggerConfig.triggerEnable: must be true or false, without"),
    "IsBase64Decode: true": ("IsBase64Decode: 'false'", "IsBase64Decode: must be true or false, without quotes"),
    "OTA_LOG_LEVEL: ${vars.log_level}": ("OTA_LOG_LEVEL:", "OTA_LOG_LEVEL: must be text: put it in quotes .it is None"),
    "OTA_QUOTA_INSTANCES: '1'": ("OTA_QUOTA_INSTANCES: 1", "OTA_QUOTA_INSTANCES: must be text: put it in quotes"),
    "authType: function": ("authType: secret", "authType: must be 'anonymous', 'function' or 'jwt' .it is 'secret'"),
    "methods: [GET, POST, PUT, DELETE, HEAD, PATCH, OPTIONS]": ("#", "triggerConfig.methods: is required"),
    "concurrencyConfig: {reservedConcurrency: 1}": ("concurrencyConfig: 1", "concurrencyConfig: must be a mapping"),
    "handler: handler.index.handler": ("#", "props.handler: is required"),
    "component: fc3": ("#", "queue.component: is required"),
    "runtime: python3.10": ("runtime: python2.7", "runtime: must be 'python3.10' or 'python3.12' .it is 'python2.7'"),
    "batch_messages: 100 ": ("batch_messages: 0 ", "CountBasedWindow: must be greater than or equal to 1 .it is 0"),
    "batch_messages: 100  ": ("batch_messages: 10001  ", "CountBasedWindow: must be less than or equal to 10000"),
    "batch_seconds: 1": ("batch_seconds: 16", "TimeBasedWindow: must be less than or equal to 15 .it is 16"),
    "mode: event-streaming": ("mode: events", "runOptions.mode: must be 'event-streaming' or 'event-driven'"),
    "eventSchema: CloudEvents": ("eventSchema: Raw", "eventSchema: must be 'CloudEvents' or 'RawData' .it is 'Raw'"),
    "eventSourceType: MNS": ("eventSourceType: Kafka", "eventSourceType: Kafka has no local counterpart"),
    "errorsTolerance: ALL": ("errorsTolerance: SOME", "errorsTolerance: must be 'ALL' or 'NONE' .it is 'SOME'"),
    "PushRetryStrategy: EXPONENTIAL_DECAY_RETRY": ("PushRetryStrategy: NEVER", "PushRetryStrategy: must be 'BACKOFF"),
    "http_instances: 2\n": ("http_instances: ${env('HTTP_INSTANCES', '2')}\n", "reservedConcurrency: must be a number"),
}


@pytest.mark.parametrize("old", WRONG_VALUES)
def test_a_wrong_value_is_refused_with_its_line_and_key(tmp_path: Path, old: str) -> None:
    """As the platform's API refuses values of other types or out of range."""
    new, problem = WRONG_VALUES[old]
    with pytest.raises(TemplateError, match=rf"^template\.yml:\d+: resources\..*{problem}"):
        load_changed(tmp_path, old, new)


DEFAULTS = {
    "memory": ("memorySize: 128", "# memorySize: 128", 512),
    "timeout": ("timeout: 300 ", "# timeout: 300 ", 3),
    "initializer": ("initializer: {handler: handler.index.initialize, timeout: 30}", "# none", None),
    "instances": ("concurrencyConfig: {reservedConcurrency: 1}", "concurrencyConfig:", None),
}


@pytest.mark.parametrize("field", DEFAULTS)
def test_a_key_without_a_value_has_the_platforms_default(tmp_path: Path, field: str) -> None:
    """Also one that is missing."""
    old, new, default = DEFAULTS[field]
    assert getattr(named(load_changed(tmp_path, old, new), "ota-modules-queue"), field) == default
