"""`ota-modules doctor`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cli.clients import http
from cli.clients.checks import Deployment, judge_quota, judge_role
from cli.clients.openapi import OpenApi
from cli.clients.smq import Mailbox
from cli.clients.target import Target

ONCE = (
    "keys", "IoT endpoint", "clock", "local cloud", "product", "topic", "stream", "dead letters", "last error", "quota",
    "request by queue", "request over HTTP",
)  # fmt: skip


def test_a_sound_local_cloud_has_nothing_wrong(ota_modules: Any, live: Any) -> None:
    """A harmless request passes through queue and HTTP; what cannot be checked says so."""
    ended = ota_modules("doctor", "--send", "a1Demo00001", "--json")
    assert ended.status == 0, ended.out
    checks = sorted((record["Check"], record["Verdict"]) for record in ended.records)
    times = {**dict.fromkeys(ONCE, 1), "queue": 3, "function": 2}
    assert checks == sorted([(name, "ok") for name in times for _ in range(times[name])] + [("role", "unknown")])


def test_what_is_wrong_comes_with_what_to_do(ota_modules: Any, live: Any) -> None:
    """A product that is not there, a queue that is not deployed, a stream that is paused."""
    assert "for no product" in ota_modules("doctor").out
    ota_modules("pause")
    ended = ota_modules("doctor", "--product", "a1None00001", OTA_OUTCOME_QUEUE="elsewhere")
    assert ended.status == 1
    missing = "iot.prod.NotExistedProduct", "elsewhere does not exist", "npx s infra deploy", "ota-modules resume"
    assert [words for words in missing if words not in ended.out] == []


def test_where_nothing_runs_every_check_ends_with_a_word(ota_modules: Any) -> None:
    """None raises, and the first thing to do is told."""
    nowhere = {f"OTA_{name}_ENDPOINT": "http://127.0.0.1:9" for name in ("IOT", "MNS", "FC", "CONSOLE")}
    ended = ota_modules("doctor", **nowhere)
    assert (ended.status, "start it: `ota-modules run`" in ended.out) == (1, True)


ALONE = {"OTA_QPS": "1.97", "OTA_QUOTA_INSTANCES": "2"}
SHARED = {"OTA_QPS": "9.8", "OTA_QUOTA_URL": "set", "OTA_QUOTA_INSTANCES": "3"}


@pytest.mark.parametrize(
    ("queue", "http_function", "verdict"),
    [({"OTA_QPS": "7"}, ALONE, "ok"), ({"OTA_QPS": "9.8"}, ALONE, "wrong"), (SHARED, SHARED, "ok")],
)
def test_functions_may_not_call_more_than_the_account_may(queue: Any, http_function: Any, verdict: str) -> None:
    """By the settings' own rule: 1 + floor(share) for each instance; those that share a store count once."""
    assert judge_quota({"queue": queue, "http": http_function}).verdict == verdict


def platform(target: Target, account: str, actions: Sequence[str] = ()) -> OpenApi:
    """STS and RAM, as far as they are asked."""
    policy = {"PolicyName": "p", "PolicyType": "Custom", "DefaultVersion": "v2"}
    document = json.dumps({"Statement": [{"Effect": "Allow", "Action": actions}]})
    answers: dict[str, Mapping[str, Any]] = {
        "GetCallerIdentity": {"AccountId": account, "Arn": f"acs:ram::{account}:user/me"},
        "ListPoliciesForRole": {"Policies": {"Policy": [policy]}},
        "GetPolicyVersion": {"PolicyVersion": {"PolicyDocument": document}},
    }

    def send(_url: str, _method: str, headers: Mapping[str, str], _body: bytes) -> http.Answer:
        return http.Answer(200, {}, json.dumps(answers[headers["x-acs-action"]]).encode())

    return OpenApi(target, send)


@pytest.mark.parametrize(("owner", "verdict"), [("1", "ok"), ("2", "wrong")])
def test_keys_of_another_account_are_found(account: Target, owner: str, verdict: str) -> None:
    """Before anything is sent to a queue that is not theirs."""
    deployment = Deployment(account, Mailbox(account), platform(account, owner), None, "")
    assert deployment.identity().verdict == verdict


def test_a_role_without_an_action_is_found(account: Target) -> None:
    """By the action that it lacks; a pattern covers what it matches."""
    found = judge_role(platform(account, "1", ["iot:*", "mns:PublishMessage", "mns:SendMessage"]), "ota-modules")
    assert (found.verdict, "mns:BatchSendMessage" in found.text, "iot:" in found.text) == ("wrong", True, False)
