"""RAM policies."""

from typing import Any

import pytest

from emulator.ram.policy import Policy, PolicyError

TOPIC = "acs:mns:cn-shanghai:1234567890123456:/topics/results/messages"


def policy(*statements: dict[str, Any]) -> Policy:
    return Policy.read({"Version": "1", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def test_a_statement_permits_its_actions_on_its_resources() -> None:
    """`*` stands for any text. RAM compares the names of actions without regard to case, resources as they are written."""
    cases: list[tuple[str | list[str], str | list[str], bool]] = [
        ("mns:PublishMessage", TOPIC, True),
        ("mns:publishmessage", "*", True),
        ("mns:PublishMessage", TOPIC.upper(), False),
        (["iot:CreateOTAModule", "mns:PublishMessage"], ["x", TOPIC], True),
        ("iot:CreateOTAModule", "*", False),
        ("mns:*", "*", True),
        ("mns:Publish*", "*", True),
        ("*", "*", True),
        ("mns:*Message", "*", True),
        ("iot:*", "*", False),
        ("mns:Pub", "*", False),
        ("mns:*", "acs:mns:*:*:/topics/results/*", True),
        ("mns:*", "acs:mns:cn-shanghai:1234567890123456:/topics/results", False),
        ("mns:*", "acs:mns:cn-shanghai:1234567890123456:/topics/other/messages", False),
        ("mns:*", "acs:mns:cn.shanghai:1234567890123456:/topics/results/messages", False),
    ]
    for action, resource, permitted in cases:
        assert policy(allow(action, resource)).permits("mns:PublishMessage", TOPIC) is permitted
    assert not policy().permits("mns:PublishMessage", TOPIC)


def test_a_denial_wins_where_it_applies() -> None:
    denied = allow("mns:*", effect="Deny")
    assert not policy(denied, allow("mns:PublishMessage")).permits("mns:PublishMessage", TOPIC)
    assert not policy(allow("mns:PublishMessage"), denied).permits("mns:PublishMessage", TOPIC)
    elsewhere = allow("mns:*", "acs:mns:*:*:/queues/*", "Deny")
    assert policy(allow("mns:*"), elsewhere).permits("mns:PublishMessage", TOPIC)


def test_a_statement_with_unknown_or_missing_parts_is_refused() -> None:
    """A policy without its condition would permit too much."""
    for statement in (
        {**allow("iot:*"), "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}},
        {**allow("iot:*"), "NotAction": "iot:*"},
        {**allow("iot:*"), "Effect": "Perhaps"},
        {**allow("iot:*"), "Effect": "allow"},
        {"Effect": "Allow", "Action": "iot:*"},
    ):
        with pytest.raises(PolicyError):
            policy(statement)
