"""Checks of an account: who the keys are, the functions' settings, and what their role may do."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from cli.clients import common_checks, http, signing
from cli.clients.checks import Check, Finding
from cli.clients.openapi import RAM, STS, OpenApi
from cli.clients.target import Target
from cli.errors import CloudError

FC_VERSION = "2023-03-30"
NEEDED = (
    "iot:CreateOTAModule", "iot:ListOTAModuleByProduct", "iot:UpdateOTAModule",
    "mns:PublishMessage", "mns:SendMessage", "mns:BatchSendMessage",
)  # fmt: skip
"""What template.yml lets the functions' role do."""


@dataclass(frozen=True)
class Deployed:
    """A function as it is deployed."""

    name: str
    environment: dict[str, str]
    role: str


def get_function(target: Target, name: str) -> Deployed:
    """Ask Function Compute 3.0 for a function. Raises: CloudError."""
    url = f"{target.fc_url}/{FC_VERSION}/functions/{name}"
    headers = signing.api_headers("GET", url, "GetFunction", FC_VERSION, target.keys, time.time())
    answer = http.call(url, headers=headers, seconds=15)
    try:
        value = json.loads(answer.content)
    except ValueError:
        value = None
    if answer.status >= 400 or not isinstance(value, dict):
        code = str(value.get("Code") or answer.status) if isinstance(value, dict) else str(answer.status)
        raise CloudError(f"Function Compute: GetFunction {name}: {code}", code)
    return Deployed(name, dict(value.get("environmentVariables") or {}), str(value.get("role") or ""))


def identity(target: Target, api: OpenApi) -> Finding:
    """Ask whose the keys are. Raises: CloudError."""
    answer = api.call(STS, "GetCallerIdentity")
    account = str(answer.get("AccountId"))
    if account != target.account:
        advice = "set ALIBABA_CLOUD_ACCOUNT_ID (or OTA_MNS_ENDPOINT) to it, or use the other account's keys"
        return Finding("account", "wrong", f"the keys are account {account}'s, not {target.account}'s", advice)
    return Finding("account", "ok", f"{account}, as {answer.get('Arn')}")


def functions(target: Target) -> list[Finding]:
    """Check that both functions are there, and that together they keep to the quota. Raises: CloudError."""
    findings: list[Finding] = []
    found: list[Deployed] = []
    for name in (target.names.queue_function, target.names.http_function):
        try:
            found.append(get_function(target, name))
            findings.append(Finding("function", "ok", name))
        except CloudError as error:
            missing = "NotFound" in error.code
            advice = "deploy it: `npx s deploy -t template.yml`" if missing else "it takes fc:GetFunction"
            findings.append(Finding("function", "wrong" if missing else "unknown", str(error), advice))
    if found:
        quota = common_checks.quota([(each.name, each.environment) for each in found])
        others = " Other environments of the account share it too: check each with its OTA_TEMPLATE."
        findings.append(Finding(quota.check, quota.verdict, quota.text + others, quota.advice))
    return findings


def role(target: Target, api: OpenApi) -> Finding:
    """Check that the policies of the functions' role name every action that the function calls. Raises: CloudError."""
    return judge_role(api, get_function(target, target.names.queue_function).role.rpartition("/")[2])


def judge_role(api: OpenApi, name: str) -> Finding:
    """Compare what a role's policies allow with what the function calls. Raises: CloudError."""
    listed = api.call(RAM, "ListPoliciesForRole", {"RoleName": name})
    policies = (listed.get("Policies") or {}).get("Policy") or []
    granted = {action for policy in policies for action in _actions(api, policy)}
    missing = [action for action in NEEDED if not any(_covers(each, action) for each in granted)]
    if missing:
        return Finding("role", "wrong", f"{name} may not {', '.join(missing)}", common_checks.DEPLOY)
    return Finding("role", "ok", f"{name} may do what the function calls (its resources were not compared)")


def _actions(api: OpenApi, policy: Mapping[str, Any]) -> set[str]:
    query = {"PolicyType": str(policy["PolicyType"]), "PolicyName": str(policy["PolicyName"])}
    version = api.call(RAM, "GetPolicyVersion", {**query, "VersionId": str(policy.get("DefaultVersion") or "v1")})
    text = str((version.get("PolicyVersion") or {}).get("PolicyDocument") or "{}")
    try:
        document = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    except ValueError:
        raise CloudError(f"RAM: the policy {policy['PolicyName']} is no JSON") from None
    actions: set[str] = set()
    for statement in document.get("Statement") or ():
        if statement.get("Effect") == "Allow":
            given = statement.get("Action") or ()
            actions.update([given] if isinstance(given, str) else given)
    return actions


def _covers(pattern: str, action: str) -> bool:
    """Whether a policy's action, which may end in `*`, covers one."""
    return pattern == action or (pattern.endswith("*") and action.startswith(pattern[:-1]))


def checks(target: Target, api: OpenApi) -> list[Check]:
    """Return the checks that only an account has."""
    return [
        Check("account", lambda: identity(target, api), "the keys are refused, or STS cannot be reached"),
        Check("function", lambda: functions(target), "it takes fc:GetFunction"),
        Check(
            "role",
            lambda: role(target, api),
            "it takes fc:GetFunction, ram:ListPoliciesForRole and ram:GetPolicyVersion",
        ),
    ]
