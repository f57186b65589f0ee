"""What a ROS template makes, as far as the local cloud needs it."""

from typing import Any

import pytest

from emulator.smq.queues import DlqPolicy, QueueAttributes
from emulator.template.ros import Queue, Stack, build
from emulator.template.variables import TemplateError

NAMELESS = {"Type": "ALIYUN::MNS::Queue", "Properties": {}}


def made(resources: dict[str, Any], **parts: Any) -> Stack:
    template = {"Resources": resources, **{key: value for key, value in parts.items() if key != "parameters"}}
    return build(template, region="cn-beijing", account_id="42", parameters=parts.get("parameters"))


def queue(**properties: Any) -> dict[str, Any]:
    return {"Type": "ALIYUN::MNS::Queue", "Properties": {"QueueName": "requests", **properties}}


def test_a_queue_has_smqs_attributes_unless_told_otherwise() -> None:
    assert made({"Q": queue()}).queues == (Queue("requests", QueueAttributes()),)
    assert made({"Q": queue(VisibilityTimeout=60)}).queues[0].attributes == QueueAttributes(visibility_timeout=60)


@pytest.mark.parametrize("enabled", [True, False])
def test_a_queue_gives_messages_up_to_the_queue_of_its_policy(enabled: bool) -> None:
    """The name of the other queue may be an attribute of a resource."""
    policy = {"Enabled": enabled, "MaxReceiveCount": 3, "DeadLetterTargetQueue": {"Fn::GetAtt": ["Dead", "QueueName"]}}
    requests, _ = made({"Q": queue(DlqPolicy=policy), "Dead": queue(QueueName="dead")}).queues
    assert requests.attributes.dlq_policy == DlqPolicy("dead", 3, enabled=enabled)


def test_a_parameter_is_its_default_unless_the_stack_is_given_another() -> None:
    parameters = {"Name": {"Type": "String", "Default": "requests"}}
    template = {"Q": queue(QueueName={"Fn::Join": ["-", [{"Ref": "Name"}, {"Ref": "ALIYUN::Region"}]]})}
    assert made(template, Parameters=parameters).queues[0].name == "requests-cn-beijing"
    assert made(template, Parameters=parameters, parameters={"Name": "q"}).queues[0].name == "q-cn-beijing"


def test_outputs_are_evaluated() -> None:
    values = {"Arn": {"Fn::GetAtt": ["Q", "ARN.WithSlash"]}, "Account": {"Ref": "ALIYUN::TenantId"}}
    stack = made({"Q": queue()}, Outputs={name: {"Value": value} for name, value in values.items()})
    assert stack.outputs == {"Arn": "acs:mns:cn-beijing:42:/queues/requests", "Account": "42"}


def test_a_role_can_be_assumed_by_the_services_that_its_trust_policy_allows() -> None:
    trust = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}},
    ]
    role = {"RoleName": "ota", "AssumeRolePolicyDocument": {"Version": "1", "Statement": trust}}
    assert made({"R": {"Type": "ALIYUN::RAM::Role", "Properties": role}}).roles[0].services == ("fc.aliyuncs.com",)


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
        made(resources)
