"""`ota-modules doctor`."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cli.clients import http
from cli.clients.checks import Deployment, judge_quota, judge_role
from cli.clients.openapi import OpenApi
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from tests.cli.live import Live


def verdicts(out: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        record = json.loads(line)
        found.setdefault(record["Check"], []).append(record["Verdict"])
    return found


def test_a_sound_local_cloud_has_nothing_wrong(ota_modules: Any, live: Live) -> None:
    """A harmless request passes through queue and HTTP; what cannot be checked says so."""
    ended = ota_modules("doctor", "--send", "a1Demo00001", "--json")
    assert ended.status == 0, ended.out
    found = verdicts(ended.out)
    assert found == {
        "keys": ["ok"], "IoT endpoint": ["ok"], "clock": ["ok"], "local cloud": ["ok"], "product": ["ok"], "queue": ["ok"] * 3,
        "topic": ["ok"], "stream": ["ok"], "dead letters": ["ok"], "last error": ["ok"], "function": ["ok"] * 2,
        "quota": ["ok"], "role": ["unknown"], "request by queue": ["ok"], "request over HTTP": ["ok"],
    }  # fmt: skip


def test_what_is_wrong_comes_with_what_to_do(ota_modules: Any, live: Live) -> None:
    """A product that is not there, a queue that is not deployed, a stream that is paused."""
    ota_modules("pause")
    ended = ota_modules("doctor", "--product", "a1None00001", OTA_OUTCOME_QUEUE="elsewhere")
    ota_modules("resume")
    assert ended.status == 1
    assert "iot.prod.NotExistedProduct" in ended.out
    assert "elsewhere does not exist" in ended.out
    assert "npx s infra deploy" in ended.out
    assert "ota-modules resume" in ended.out


def test_where_nothing_runs_every_check_ends_with_a_word(ota_modules: Any) -> None:
    """None raises, and the first thing to do is told."""
    nowhere = {f"OTA_{name}_ENDPOINT": "http://127.0.0.1:9" for name in ("IOT", "MNS", "FC", "CONSOLE")}
    ended = ota_modules("doctor", **nowhere)
    assert ended.status == 1
    assert "start it: `ota-modules run`" in ended.out


ALONE = {"OTA_QPS": "1.97", "OTA_QUOTA_INSTANCES": "2"}
SHARED = {"OTA_QPS": "9.8", "OTA_QUOTA_URL": "set", "OTA_QUOTA_INSTANCES": "3"}


@pytest.mark.parametrize(
    ("queue", "http_function", "verdict"),
    [({"OTA_QPS": "7"}, ALONE, "ok"), ({"OTA_QPS": "9.8"}, ALONE, "wrong"), (SHARED, SHARED, "ok")],
)
def test_functions_may_not_make_more_calls_together_than_the_account_has(
    queue: dict[str, str], http_function: dict[str, str], verdict: str
) -> None:
    """By the settings' own rule: 1 + floor(share) for each instance; those that share a store count once."""
    assert judge_quota({"queue": queue, "http": http_function}).verdict == verdict


class Platform:
    """STS and RAM, as far as they are asked."""

    def __init__(self, account: str, actions: list[str]) -> None:
        self._answers: dict[str, Mapping[str, Any]] = {
            "GetCallerIdentity": {"AccountId": account, "Arn": f"acs:ram::{account}:user/me"},
            "ListPoliciesForRole": {
                "Policies": {"Policy": [{"PolicyName": "p", "PolicyType": "Custom", "DefaultVersion": "v2"}]}
            },
            "GetPolicyVersion": {
                "PolicyVersion": {"PolicyDocument": json.dumps({"Statement": [{"Effect": "Allow", "Action": actions}]})}
            },
        }

    def __call__(self, _url: str, _method: str, headers: Mapping[str, str], _body: bytes) -> http.Answer:
        return http.Answer(200, {}, json.dumps(self._answers[headers["x-acs-action"]]).encode())


@pytest.mark.parametrize(("owner", "verdict"), [("1", "ok"), ("2", "wrong")])
def test_keys_of_another_account_are_found(account: Target, owner: str, verdict: str) -> None:
    """Before anything is sent to a queue that is not theirs."""
    deployment = Deployment(account, Mailbox(account), OpenApi(account, Platform(owner, [])), None, "")
    assert deployment.identity().verdict == verdict


def test_a_role_without_an_action_is_found(account: Target) -> None:
    """By the action that it lacks; a pattern covers what it matches."""
    api = OpenApi(account, Platform("1", ["iot:*", "mns:PublishMessage", "mns:SendMessage"]))
    found = judge_role(api, "ota-modules")
    assert (found.verdict, "mns:BatchSendMessage" in found.text, "iot:" in found.text) == ("wrong", True, False)
