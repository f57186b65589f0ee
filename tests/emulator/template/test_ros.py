"""Stacks of ROS templates, as far as the local cloud needs them."""

from typing import Any

import pytest

from emulator.smq.queues import DlqPolicy, QueueAttributes
from emulator.template.ros import Queue, Stack, build
from emulator.template.variables import TemplateError

NAMELESS = {"Type": "ALIYUN::MNS::Queue", "Properties": {}}


def make_stack(resources: dict[str, Any], parameters: dict[str, Any] | None = None, **parts: Any) -> Stack:
    return build({"Resources": resources, **parts}, region="cn-beijing", account_id="42", parameters=parameters)


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "ALIYUN::MNS::Queue", "Properties": {"QueueName": "requests", **properties}}


def test_a_queue_has_smqs_attributes_unless_it_has_its_own() -> None:
    queues = make_stack({"Q": queue(), "P": queue(VisibilityTimeout=60)}).queues
    assert queues == tuple(Queue("requests", QueueAttributes(visibility_timeout=seconds)) for seconds in (30, 60))


@pytest.mark.parametrize("enabled", [True, False])
def test_a_queue_gives_messages_up_to_the_queue_of_its_policy(enabled: bool) -> None:
    """The name of the other queue may be an attribute of a resource."""
    policy = {"Enabled": enabled, "MaxReceiveCount": 3, "DeadLetterTargetQueue": {"Fn::GetAtt": ["Dead", "QueueName"]}}
    requests, _ = make_stack({"Q": queue(DlqPolicy=policy), "Dead": queue(QueueName="dead")}).queues
    assert requests.attributes.dlq_policy == DlqPolicy("dead", 3, enabled=enabled)


def test_expressions_are_evaluated() -> None:
    """A parameter is its default unless the stack is given another."""
    parameters = {"Name": {"Type": "String", "Default": "requests"}}
    resources = {"Q": queue(QueueName={"Fn::Join": ["-", [{"Ref": "Name"}, {"Ref": "ALIYUN::Region"}]]})}
    values = {"Arn": {"Fn::GetAtt": ["Q", "ARN.WithSlash"]}, "Account": {"Ref": "ALIYUN::TenantId"}}
    outputs = {name: {"Value": value} for name, value in values.items()}
    stack = make_stack(resources, Parameters=parameters, Outputs=outputs)
    assert stack.outputs == {"Arn": "acs:mns:cn-beijing:42:/queues/requests-cn-beijing", "Account": "42"}
    assert make_stack(resources, {"Name": "q"}, Parameters=parameters).queues[0].name == "q-cn-beijing"


def test_a_role_can_be_assumed_by_the_services_that_its_trust_policy_allows() -> None:
    trust = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}},
    ]
    role = {"RoleName": "ota", "AssumeRolePolicyDocument": {"Version": "1", "Statement": trust}}
    [made] = make_stack({"R": {"Type": "ALIYUN::RAM::Role", "Properties": role}}).roles
    assert made.services == ("fc.aliyuncs.com",)


@pytest.mark.parametrize(
    ("resources", "named"),
    [
        ({"V": {"Type": "ALIYUN::ECS::VPC", "Properties": {}}}, "ALIYUN::ECS::VPC"),
        ({"Q": NAMELESS}, "QueueName"),
        ({"Q": queue(VisibilityTimeout=86400)}, "VisibilityTimeout"),
        ({"Q": queue(DlqPolicy={"Enabled": True, "MaxReceiveCount": 3})}, "DeadLetterTargetQueue"),
        ({"Q": queue(QueueName={"Fn::Sub": "x"})}, "Fn::Sub"),
        ({"Q": queue(QueueName={"Ref": "Nope"})}, "Nope"),
        ({"Q": queue(QueueName={"Fn::GetAtt": ["Nope", "QueueName"]})}, "Nope"),
        ({"Q": queue(), "P": queue(QueueName={"Fn::GetAtt": ["Q", "Nope"]})}, "Nope"),
        ({"Q": queue(QueueName={"Fn::GetAtt": ["P", "QueueName"]}), "P": NAMELESS}, "P"),
    ],
)
def test_what_cannot_be_made_is_named(resources: dict[str, Any], named: str) -> None:
    with pytest.raises(TemplateError, match=named):
        make_stack(resources)
