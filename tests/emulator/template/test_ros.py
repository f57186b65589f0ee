"""What a ROS template makes, as far as the local cloud needs it."""

from typing import Any

import pytest

from emulator.smq.queues import DlqPolicy, QueueAttributes
from emulator.template.ros import Queue, Stack, stack
from emulator.template.variables import TemplateError


def made(resources: dict[str, Any], **parts: Any) -> Stack:
    """The stack of a template with these resources."""
    template = {"Resources": resources, **{key: value for key, value in parts.items() if key != "parameters"}}
    return stack(template, region="cn-beijing", account_id="42", parameters=parts.get("parameters"))


def queue(**properties: Any) -> dict[str, Any]:
    """A queue resource."""
    return {"Type": "ALIYUN::MNS::Queue", "Properties": {"QueueName": "requests", **properties}}


def test_a_queue_has_smqs_attributes_unless_told_otherwise() -> None:
    """What a template leaves out is what the service gives."""
    assert made({"Q": queue()}).queues == (Queue("requests", QueueAttributes()),)
    assert made({"Q": queue(VisibilityTimeout=60)}).queues[0].attributes == QueueAttributes(visibility_timeout=60)


def test_a_queue_gives_messages_up_to_the_queue_of_its_policy() -> None:
    """The name of the other queue may be an attribute of a resource."""
    policy = {"Enabled": True, "MaxReceiveCount": 3, "DeadLetterTargetQueue": {"Fn::GetAtt": ["Dead", "QueueName"]}}
    requests, _ = made({"Q": queue(DlqPolicy=policy), "Dead": queue(QueueName="dead")}).queues
    assert requests.attributes.dlq_policy == DlqPolicy("dead", 3)


def test_a_policy_that_is_switched_off_stays_off() -> None:
    """Enabled decides."""
    policy = {"Enabled": False, "MaxReceiveCount": 3, "DeadLetterTargetQueue": "dead"}
    assert made({"Q": queue(DlqPolicy=policy)}).queues[0].attributes.dlq_policy == DlqPolicy("dead", 3, enabled=False)


def test_a_parameter_is_its_default_unless_the_stack_is_given_another() -> None:
    """Ref takes parameters and the account's own values."""
    parameters = {"Name": {"Type": "String", "Default": "requests"}}
    template = {"Q": queue(QueueName={"Fn::Join": ["-", [{"Ref": "Name"}, {"Ref": "ALIYUN::Region"}]]})}
    assert made(template, Parameters=parameters).queues[0].name == "requests-cn-beijing"
    assert made(template, Parameters=parameters, parameters={"Name": "q"}).queues[0].name == "q-cn-beijing"


def test_outputs_are_worked_out() -> None:
    """Names and ARNs, as other resources use them."""
    outputs = {
        "Arn": {"Value": {"Fn::GetAtt": ["Q", "ARN.WithSlash"]}},
        "Account": {"Value": {"Ref": "ALIYUN::TenantId"}},
    }
    assert made({"Q": queue()}, Outputs=outputs).outputs == {
        "Arn": "acs:mns:cn-beijing:42:/queues/requests",
        "Account": "42",
    }


def test_a_role_can_be_assumed_by_the_services_that_its_trust_policy_allows() -> None:
    """A denial gives nothing."""
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
        ({"Q": {"Type": "ALIYUN::MNS::Queue", "Properties": {}}}, "QueueName"),
        ({"Q": queue(VisibilityTimeout=86400)}, "VisibilityTimeout"),
        ({"Q": queue(DlqPolicy={"Enabled": True, "MaxReceiveCount": 3})}, "DeadLetterTargetQueue"),
        ({"Q": queue(QueueName={"Fn::Sub": "x"})}, "Fn::Sub"),
        ({"Q": queue(QueueName={"Ref": "Nope"})}, "Nope"),
        ({"Q": queue(QueueName={"Fn::GetAtt": ["Nope", "QueueName"]})}, "Nope"),
        ({"Q": queue(), "P": queue(QueueName={"Fn::GetAtt": ["Q", "Nope"]})}, "Nope"),
        (
            {
                "Q": queue(QueueName={"Fn::GetAtt": ["P", "QueueName"]}),
                "P": {"Type": "ALIYUN::MNS::Queue", "Properties": {}},
            },
            "P",
        ),
    ],
)
def test_what_cannot_be_made_is_named(resources: dict[str, Any], named: str) -> None:
    """Nothing of a template is passed over in silence."""
    with pytest.raises(TemplateError, match=named):
        made(resources)
