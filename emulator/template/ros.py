"""A ROS template, as far as queues, topics, subscriptions and roles need it: what a stack made from it would hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.ram.policy import Policy, PolicyError
from emulator.smq.errors import SmqError
from emulator.smq.queues import DlqPolicy, QueueAttributes
from emulator.smq.topics import Subscription
from emulator.template.variables import Document, TemplateError, Value


@dataclass(frozen=True)
class Queue:
    """A queue, and what SMQ is told about it."""

    name: str
    attributes: QueueAttributes


@dataclass(frozen=True)
class Role:
    """A RAM role: which services may assume it, and what they may do then."""

    name: str
    services: tuple[str, ...]
    policy: Policy


@dataclass(frozen=True)
class Stack:
    """What a ROS template makes, and what it tells about it."""

    queues: tuple[Queue, ...]
    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    roles: tuple[Role, ...]
    outputs: Mapping[str, str]


class Evaluation:
    """The values of a template's expressions: Ref, Fn::GetAtt and Fn::Join; anything else is refused by its name."""

    def __init__(self, template: Document, *, region: str, account_id: str, parameters: Document) -> None:
        self.resources: Mapping[str, Any] = template.get("Resources") or {}
        self.region = region
        self.account_id = account_id
        self.references: dict[str, Any] = {"ALIYUN::Region": region, "ALIYUN::TenantId": account_id}
        for name, parameter in (template.get("Parameters") or {}).items():
            self.references[name] = parameters.get(name, parameter.get("Default"))

    def value(self, expression: Value) -> Value:
        """The value of an expression, or of a document that has expressions in it."""
        if isinstance(expression, list):
            return [self.value(item) for item in expression]
        if not isinstance(expression, Mapping):
            return expression
        if len(expression) == 1:
            (name, argument), *_ = expression.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self.call(name, argument)
        return {key: self.value(item) for key, item in expression.items()}

    def call(self, name: str, argument: Value) -> Value:
        """The result of one of ROS's functions."""
        if name == "Ref":
            return self.reference(argument)
        if name == "Fn::GetAtt":
            return self.attribute(*argument)
        if name == "Fn::Join":
            separator, parts = argument
            return separator.join(str(self.value(part)) for part in parts)
        raise TemplateError(f"{name} is not understood here")

    def reference(self, name: str) -> Value:
        """The value of a parameter; nobody here refers to a resource by its id."""
        if self.references.get(name) is None:
            raise TemplateError(f"Ref: {name} is neither a pseudo parameter nor a parameter with a default")
        return self.references[name]

    def attribute(self, resource: str, attribute: str) -> str:
        """An attribute of a resource that exists once the stack is made."""
        found = self.resources.get(resource) or {"Type": None}
        if (found["Type"], attribute) not in ATTRIBUTES:
            raise TemplateError(f"Fn::GetAtt: {resource} has no attribute {attribute}")
        property_name, form = ATTRIBUTES[found["Type"], attribute]
        if property_name not in found["Properties"]:
            raise TemplateError(f"resource {resource}: {property_name} is missing")
        name = self.value(found["Properties"][property_name])
        return form.format(name=name, region=self.region, account=self.account_id)


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


def queue(properties: Document) -> Queue:
    """The queue that ALIYUN::MNS::Queue makes."""
    given = {keyword: properties[name] for name, keyword in QUEUE_PROPERTIES.items() if name in properties}
    return Queue(properties["QueueName"], QueueAttributes(**given, dlq_policy=redrive(properties.get("DlqPolicy"))))


def redrive(policy: Document | None) -> DlqPolicy | None:
    """Where a queue's messages go that nobody finishes with."""
    if not policy:
        return None
    return DlqPolicy(policy["DeadLetterTargetQueue"], policy["MaxReceiveCount"], policy["Enabled"])


def subscription(properties: Document) -> Subscription:
    """The subscription that ALIYUN::MNS::Subscription makes."""
    given = {keyword: properties[name] for name, keyword in SUBSCRIPTION_PROPERTIES.items() if name in properties}
    return Subscription(properties["TopicName"], properties["SubscriptionName"], properties["Endpoint"], **given)


QUEUE_PROPERTIES = {
    "VisibilityTimeout": "visibility_timeout",
    "MaximumMessageSize": "maximum_message_size",
    "MessageRetentionPeriod": "message_retention_period",
    "DelaySeconds": "delay_seconds",
    "PollingWaitSeconds": "polling_wait_seconds",
    "LoggingEnabled": "logging_enabled",
}
SUBSCRIPTION_PROPERTIES = {
    "FilterTag": "filter_tag",
    "NotifyContentFormat": "notify_format",
    "NotifyStrategy": "strategy",
}


def role(properties: Document) -> Role:
    """The role that ALIYUN::RAM::Role makes, with all its policies as one."""
    trust = [item for item in properties["AssumeRolePolicyDocument"]["Statement"] if item["Effect"] == "Allow"]
    services = [service for item in trust for service in item["Principal"].get("Service", [])]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    return Role(properties["RoleName"], tuple(services), Policy.read(*documents))


def stack(template: Document, *, region: str, account_id: str, parameters: Document | None = None) -> Stack:
    """What ROS would make of a template. Raises: TemplateError: for what is not known here or out of range."""
    evaluation = Evaluation(template, region=region, account_id=account_id, parameters=parameters or {})
    made: dict[str, list[Any]] = {kind: [] for kind in MAKERS}
    for name, resource in evaluation.resources.items():
        if resource["Type"].startswith(WITHOUT_COUNTERPART):
            continue
        if resource["Type"] not in MAKERS:
            raise TemplateError(f"resource {name}: {resource['Type']} is not known here")
        made[resource["Type"]].append(make(name, resource["Type"], evaluation.value(resource["Properties"])))
    outputs = {name: str(evaluation.value(item["Value"])) for name, item in (template.get("Outputs") or {}).items()}
    queues, topics, subscriptions, roles = (tuple(made[kind]) for kind in MAKERS)
    return Stack(queues, topics, subscriptions, roles, outputs)


def make(name: str, kind: str, properties: Document) -> Value:
    """What one resource makes."""
    try:
        return MAKERS[kind](properties)
    except KeyError as missing:
        raise TemplateError(f"resource {name}: {missing.args[0]} is missing") from missing
    except (SmqError, PolicyError) as refused:
        raise TemplateError(f"resource {name}: {refused}") from refused
    except (TypeError, AttributeError, ValueError) as error:
        raise TemplateError(f"resource {name}: a property has a value of the wrong type ({error})") from error


MAKERS: dict[str, Callable[[Document], Any]] = {
    "ALIYUN::MNS::Queue": queue,
    "ALIYUN::MNS::Topic": lambda properties: str(properties["TopicName"]),
    "ALIYUN::MNS::Subscription": subscription,
    "ALIYUN::RAM::Role": role,
}
