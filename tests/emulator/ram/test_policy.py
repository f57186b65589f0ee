"""RAM policies."""

from typing import Any

import pytest

from emulator.ram.keys import Accounts
from emulator.ram.policy import Policy, PolicyError
from tests.support.policies import permissions, without

TOPIC = "acs:mns:cn-shanghai:1234567890123456:/topics/results/messages"


def policy(*statements: dict[str, Any]) -> Policy:
    """A policy of these statements."""
    return Policy.read({"Version": "1", "Statement": list(statements)})


def allow(action: str | list[str], resource: str | list[str] = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def deny(action: str, resource: str = "*") -> dict[str, Any]:
    return allow(action, resource, "Deny")


@pytest.mark.parametrize(
    ("action", "resource", "permitted"),
    [
        ("mns:PublishMessage", TOPIC, True),
        # RAM compares the names of actions without regard to case, resources as they are written.
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
    ],
)
def test_a_statement_permits_its_actions_on_its_resources(
    action: str | list[str], resource: str | list[str], permitted: bool
) -> None:
    """`*` stands for any text."""
    assert policy(allow(action, resource)).permits("mns:PublishMessage", TOPIC) is permitted
    assert not policy().permits("mns:PublishMessage", TOPIC)


def test_a_denial_wins_where_it_applies() -> None:
    assert not policy(deny("mns:*"), allow("mns:PublishMessage")).permits("mns:PublishMessage", TOPIC)
    assert not policy(allow("mns:PublishMessage"), deny("mns:*")).permits("mns:PublishMessage", TOPIC)
    assert policy(allow("mns:*"), deny("mns:*", "acs:mns:*:*:/queues/*")).permits("mns:PublishMessage", TOPIC)


@pytest.mark.parametrize(
    "statement",
    [
        {**allow("iot:*"), "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}},
        {**allow("iot:*"), "NotAction": "iot:*"},
        {**allow("iot:*"), "Effect": "Perhaps"},
        {**allow("iot:*"), "Effect": "allow"},
        {"Effect": "Allow", "Action": "iot:*"},
    ],
)
def test_a_statement_with_unknown_or_missing_parts_is_refused(statement: dict[str, Any]) -> None:
    """A policy without its condition would permit too much."""
    with pytest.raises(PolicyError):
        policy(statement)


def test_a_policy_less_one_permission_permits_the_others() -> None:
    whole = policy(allow(["mns:SendMessage", "mns:PublishMessage"], [TOPIC, "acs:mns:*:*:/queues/*"]))
    apart = permissions(whole)
    assert len(apart) == 4
    assert Policy(apart).permits("mns:PublishMessage", TOPIC)
    less = without(whole, next(each for each in apart if each.covers("mns:PublishMessage", TOPIC)))
    assert not less.permits("mns:PublishMessage", TOPIC)
    assert less.permits("mns:SendMessage", TOPIC)


def test_an_account_enforces_the_policy_of_a_role() -> None:
    accounts = Accounts()
    accounts.attach("ota-modules", policy(allow("iot:CreateOTAModule")).permits)
    key = accounts.issue("ota-modules")
    assert accounts.permits(key, "iot:CreateOTAModule", "*")
    assert not accounts.permits(key, "mns:PublishMessage", TOPIC)
    assert accounts.permits(accounts.authenticate("testid", ""), "mns:PublishMessage", TOPIC)
