"""A ROS template, as far as queues, topics, subscriptions and roles need it: what a stack made from it would hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.policy import Policy
from emulator.variables import Document, TemplateError, Value


@dataclass(frozen=True)
class Queue:
    """A queue and its attributes, by default those that SMQ gives; times in seconds, sizes in bytes."""

    name: str
    visibility_timeout: int = 30
    delay_seconds: int = 0
    polling_wait_seconds: int = 0
    message_retention_period: int = 345600
    maximum_message_size: int = 65536
    dead_letter_queue: str | None = None
    max_receive_count: int | None = None


@dataclass(frozen=True)
class Subscription:
    """What a topic pushes, and where to; `endpoint` in the form that SMQ's API takes."""

    topic: str
    name: str
    endpoint: str
    filter_tag: str | None = None
    content_format: str = "XML"
    strategy: str = "BACKOFF_RETRY"


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
}


def queue(properties: Document) -> Queue:
    """The queue that ALIYUN::MNS::Queue makes."""
    redrive = properties.get("DlqPolicy") or {}
    enabled = redrive.get("Enabled", False)
    return Queue(
        name=properties["QueueName"],
        visibility_timeout=properties.get("VisibilityTimeout", Queue.visibility_timeout),
        delay_seconds=properties.get("DelaySeconds", Queue.delay_seconds),
        polling_wait_seconds=properties.get("PollingWaitSeconds", Queue.polling_wait_seconds),
        message_retention_period=properties.get("MessageRetentionPeriod", Queue.message_retention_period),
        maximum_message_size=properties.get("MaximumMessageSize", Queue.maximum_message_size),
        dead_letter_queue=redrive["DeadLetterTargetQueue"] if enabled else None,
        max_receive_count=redrive["MaxReceiveCount"] if enabled else None,
    )


def subscription(properties: Document) -> Subscription:
    """The subscription that ALIYUN::MNS::Subscription makes."""
    return Subscription(
        topic=properties["TopicName"],
        name=properties["SubscriptionName"],
        endpoint=properties["Endpoint"],
        filter_tag=properties.get("FilterTag"),
        content_format=properties.get("NotifyContentFormat", Subscription.content_format),
        strategy=properties.get("NotifyStrategy", Subscription.strategy),
    )


def role(properties: Document) -> Role:
    """The role that ALIYUN::RAM::Role makes, with all its policies as one."""
    trust = [item for item in properties["AssumeRolePolicyDocument"]["Statement"] if item["Effect"] == "Allow"]
    services = [service for item in trust for service in item["Principal"].get("Service", [])]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    return Role(properties["RoleName"], tuple(services), Policy.read(*documents))


def stack(template: Document, *, region: str, account_id: str, parameters: Document | None = None) -> Stack:
    """What ROS would make of a template. Raises: TemplateError, for a resource or a function that is not known here."""
    evaluation = Evaluation(template, region=region, account_id=account_id, parameters=parameters or {})
    made: dict[str, list[Any]] = {kind: [] for kind in MAKERS}
    for name, resource in evaluation.resources.items():
        if resource["Type"] not in MAKERS:
            raise TemplateError(f"resource {name}: {resource['Type']} is not known here")
        properties = evaluation.value(resource["Properties"])
        try:
            made[resource["Type"]].append(MAKERS[resource["Type"]](properties))
        except KeyError as missing:
            raise TemplateError(f"resource {name}: {missing.args[0]} is missing") from missing
    outputs = {name: str(evaluation.value(item["Value"])) for name, item in (template.get("Outputs") or {}).items()}
    queues, topics, subscriptions, roles = (tuple(made[kind]) for kind in MAKERS)
    return Stack(queues, topics, subscriptions, roles, outputs)


MAKERS: dict[str, Callable[[Document], Any]] = {
    "ALIYUN::MNS::Queue": queue,
    "ALIYUN::MNS::Topic": lambda properties: str(properties["TopicName"]),
    "ALIYUN::MNS::Subscription": subscription,
    "ALIYUN::RAM::Role": role,
}
