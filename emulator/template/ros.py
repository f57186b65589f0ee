"""Builds the stack of a ROS template: queues, topics, subscriptions and roles."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.ram.policy import Policy, PolicyError
from emulator.smq.errors import SmqError
from emulator.smq.limits import LIMITS
from emulator.smq.queues import DlqPolicy, QueueAttributes
from emulator.smq.topics import Subscription
from emulator.template.variables import Document, TemplateError, Value


@dataclass(frozen=True)
class Queue:
    """A queue with its attributes in SMQ."""

    name: str
    attributes: QueueAttributes


@dataclass(frozen=True)
class Role:
    """A RAM role: the services that may assume it, and what they may do then."""

    name: str
    services: tuple[str, ...]
    policy: Policy


@dataclass(frozen=True)
class Stack:
    """The resources and the outputs of a ROS template."""

    queues: tuple[Queue, ...]
    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    roles: tuple[Role, ...]
    outputs: Mapping[str, str]


ATTRIBUTES = {
    ("ALIYUN::MNS::Queue", "QueueName"): ("QueueName", "{name}"),
    ("ALIYUN::MNS::Queue", "ARN.WithSlash"): ("QueueName", "acs:mns:{region}:{account}:/queues/{name}"),
    ("ALIYUN::MNS::Topic", "TopicName"): ("TopicName", "{name}"),
    ("ALIYUN::MNS::Topic", "ARN.WithSlash"): ("TopicName", "acs:mns:{region}:{account}:/topics/{name}"),
    ("ALIYUN::RAM::Role", "RoleName"): ("RoleName", "{name}"),
    ("ALIYUN::RAM::Role", "Arn"): ("RoleName", "acs:ram::{account}:role/{name}"),
    ("ALIYUN::SLS::Project", "Name"): ("Name", "{name}"),
    ("ALIYUN::SLS::Logstore", "LogstoreName"): ("LogstoreName", "{name}"),
}
WITHOUT_COUNTERPART = ("ALIYUN::SLS::", "ALIYUN::CMS::")
"""Services whose resources change nothing on one machine: logs and alarms."""


class _Evaluation:
    """Evaluates a template's expressions: Ref, Fn::GetAtt and Fn::Join; any other is refused by its name."""

    def __init__(self, template: Document, region: str, account_id: str, parameters: Document) -> None:
        self.resources: Mapping[str, Any] = template.get("Resources") or {}
        self._region = region
        self._account_id = account_id
        self._references: dict[str, Any] = {"ALIYUN::Region": region, "ALIYUN::TenantId": account_id}
        for name, parameter in (template.get("Parameters") or {}).items():
            self._references[name] = parameters.get(name, parameter.get("Default"))

    def evaluate(self, expression: Value) -> Value:
        """Return the value of an expression, or of a document that has expressions in it."""
        if isinstance(expression, list):
            return [self.evaluate(item) for item in expression]
        if not isinstance(expression, Mapping):
            return expression
        if len(expression) == 1:
            [(name, argument)] = expression.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call_function(name, argument)
        return {key: self.evaluate(item) for key, item in expression.items()}

    def _call_function(self, name: str, argument: Value) -> Value:
        if name == "Ref":
            if self._references.get(argument) is None:
                raise TemplateError(f"Ref: {argument} is neither a pseudo parameter nor a parameter with a default")
            return self._references[argument]
        if name == "Fn::GetAtt":
            return self._get_attribute(*argument)
        if name == "Fn::Join":
            separator, parts = argument
            return separator.join(str(self.evaluate(part)) for part in parts)
        raise TemplateError(f"{name} is not supported here")

    def _get_attribute(self, name: str, attribute: str) -> str:
        resource = self.resources.get(name) or {"Type": None}
        if (resource["Type"], attribute) not in ATTRIBUTES:
            raise TemplateError(f"Fn::GetAtt: {name} has no attribute {attribute}")
        property_name, form = ATTRIBUTES[resource["Type"], attribute]
        if property_name not in resource["Properties"]:
            raise TemplateError(f"resource {name}: {property_name} is missing")
        value = self.evaluate(resource["Properties"][property_name])
        return form.format(name=value, region=self._region, account=self._account_id)


def build(template: Document, *, region: str, account_id: str, parameters: Document | None = None) -> Stack:
    """Build the stack of a ROS template. Raises: TemplateError: a part of it is not supported here, or out of range."""
    evaluation = _Evaluation(template, region, account_id, parameters or {})
    resources: dict[str, list[Any]] = {kind: [] for kind in _MAKERS}
    for name, resource in evaluation.resources.items():
        kind = resource["Type"]
        if kind.startswith(WITHOUT_COUNTERPART):
            continue
        if kind not in _MAKERS:
            raise TemplateError(f"resource {name}: {kind} is not supported here")
        resources[kind].append(_make_resource(name, kind, evaluation.evaluate(resource["Properties"])))
    outputs = {name: str(evaluation.evaluate(item["Value"])) for name, item in (template.get("Outputs") or {}).items()}
    queues, topics, subscriptions, roles = (tuple(resources[kind]) for kind in _MAKERS)
    return Stack(queues, topics, subscriptions, roles, outputs)


def _make_resource(name: str, kind: str, properties: Document) -> Value:
    try:
        return _MAKERS[kind](properties)
    except KeyError as missing:
        raise TemplateError(f"resource {name}: {missing.args[0]} is missing") from missing
    except (SmqError, PolicyError) as refused:
        raise TemplateError(f"resource {name}: {refused}") from refused
    except (TypeError, AttributeError, ValueError) as error:
        raise TemplateError(f"resource {name}: a property has a value of the wrong type ({error})") from error


def _make_queue(properties: Document) -> Queue:
    own = {name: value for name, value in properties.items() if name in LIMITS or name == "LoggingEnabled"}
    policy = properties.get("DlqPolicy")
    redrive = (
        DlqPolicy(policy["DeadLetterTargetQueue"], policy["MaxReceiveCount"], policy["Enabled"]) if policy else None
    )
    attributes = QueueAttributes(**{_snake_case(name): value for name, value in own.items()}, dlq_policy=redrive)
    return Queue(properties["QueueName"], attributes)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _make_subscription(properties: Document) -> Subscription:
    names = {"FilterTag": "filter_tag", "NotifyContentFormat": "notify_format", "NotifyStrategy": "strategy"}
    optional = {keyword: properties[name] for name, keyword in names.items() if name in properties}
    return Subscription(properties["TopicName"], properties["SubscriptionName"], properties["Endpoint"], **optional)


def _make_role(properties: Document) -> Role:
    """Make a role, with all its policies as one."""
    trust = [item for item in properties["AssumeRolePolicyDocument"]["Statement"] if item["Effect"] == "Allow"]
    services = [service for item in trust for service in item["Principal"].get("Service", [])]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    return Role(properties["RoleName"], tuple(services), Policy.read(*documents))


_MAKERS: dict[str, Callable[[Document], Any]] = {
    "ALIYUN::MNS::Queue": _make_queue,
    "ALIYUN::MNS::Topic": lambda properties: str(properties["TopicName"]),
    "ALIYUN::MNS::Subscription": _make_subscription,
    "ALIYUN::RAM::Role": _make_role,
}
"""In the order of the fields of a stack."""
