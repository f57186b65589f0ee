"""Checks of a deployment: what each found, and what to do where it is wrong."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from functools import cache, cached_property, partial
from typing import Any, Literal
from urllib.parse import unquote

from cli.clients import console, http
from cli.clients.figures import quota_settings, read_figures
from cli.clients.iot import ProductRef, Products
from cli.clients.openapi import FUNCTION_COMPUTE, RAM, STS, OpenApi
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CliError, CloudError
from cli.records import Figures, Finding
from cli.terminal.screen import plural
from handler.settings import ACCOUNT_LIMIT

MOST_SKEW = 300
"""Seconds that the clock may be wrong; signatures are refused from 15 minutes on."""
NOWHERE = "doctor0000"
"""A product that no account has: the answer shows that the API lets the keys in."""
NEEDED = (
    "iot:CreateOTAModule", "iot:ListOTAModuleByProduct", "iot:UpdateOTAModule",
    "mns:PublishMessage", "mns:SendMessage", "mns:BatchSendMessage",
)  # fmt: skip
"""What template.yml lets the functions' role do."""
DEPLOY = "deploy it: `npx s infra deploy -t template.yml`"
ENDPOINT = "check vars.region in template.yml (or OTA_REGION), OTA_IOT_ENDPOINT and the network"
NETWORK = "check the network and the proxy"
STATUS = "`ota-modules status`"
START = "start it: `ota-modules run`"
PRODUCT = "it takes iot:ListOTAModuleByProduct, and IoT Platform must be activated"
SMQ = "it takes mns:GetQueueAttributes, mns:GetTopicAttributes and mns:ListSubscriptionByTopic"
DEPLOY_FUNCTION = "deploy it: `npx s deploy -t template.yml`; the check takes fc:GetFunction"
START_FUNCTION = "start `ota-modules run` with the same template (OTA_TEMPLATE)"

ok = partial(Finding, "", "ok")
wrong = partial(Finding, "", "wrong")
unknown = partial(Finding, "", "unknown")


def examine(
    name: str, look: Callable[[], Finding], advice: str = "", failed: Literal["wrong", "unknown"] = "unknown"
) -> Finding:
    """Return what a look finds, under the check's name; `failed` is the verdict where it fails. Never raises CliError."""
    try:
        return replace(look(), check=name)
    except CliError as error:
        missing = isinstance(error, CloudError) and error.code.endswith("NotFound")
        return Finding(name, "wrong" if missing else failed, str(error), advice)


def get_function(target: Target, api: OpenApi, name: str) -> tuple[Mapping[str, str], str]:
    """Return a function's environment and its role.

    Raises: CloudError: also where it is not deployed, with a code that ends in `NotFound`.
    """
    if target.local:
        for function in console.state(target).functions:
            if function.name == name:
                return function.settings, ""
        raise CloudError(f"{name} is not there", "FunctionNotFound")
    value = api.call(FUNCTION_COMPUTE, "GetFunction", f"/{FUNCTION_COMPUTE.version}/functions/{name}")
    return dict(value.get("environmentVariables") or {}), str(value.get("role") or "")


@dataclass
class Deployment:
    """The checks of a target; each of its looks raises CliError where it cannot be carried out."""

    target: Target
    mailbox: Mailbox
    api: OpenApi
    product: str | None
    instance: str

    def __post_init__(self) -> None:
        self._function = cache(partial(get_function, self.target, self.api))

    def findings(self) -> Iterator[Finding]:
        """Carry out all checks, in the order in which one helps with the next."""
        names, local = self.target.names, self.target.local
        queues = (names.request_queue, names.dead_letter_queue, names.outcome_queue)
        functions = (names.queue_function, names.http_function)
        function_advice = START_FUNCTION if local else DEPLOY_FUNCTION
        yield examine("keys", self.keys)
        yield examine("IoT endpoint", self.endpoint, ENDPOINT, "wrong")
        yield examine("clock", self.clock, NETWORK)
        if local:
            yield examine("local cloud", self.local_cloud, START)
        else:
            yield examine("account", self.identity, "the keys are refused, or STS cannot be reached")
        yield examine("product" if self.product else "IoT API", self.read_product, PRODUCT)
        for name in queues:
            yield examine("queue", partial(self.queue, name), SMQ)
        yield examine("topic", self.topic, SMQ)
        yield examine("stream", self.stream, STATUS)
        yield examine("dead letters", self.dead_letters, STATUS)
        yield examine("last error", self.last_error, STATUS)
        for name in functions:
            yield examine("function", partial(self.function, name), function_advice)
        yield examine("quota", partial(self.quota, functions), function_advice)
        yield examine("role", self.role, f"{DEPLOY_FUNCTION}, ram:ListPoliciesForRole and ram:GetPolicyVersion")

    def keys(self) -> Finding:
        return ok(f"{self.target}, with {'temporary' if self.target.keys.security_token else 'long-lived'} keys")

    @cached_property
    def _greeting(self) -> http.Answer:
        return http.call(f"{self.target.iot_url}/", seconds=10)

    def endpoint(self) -> Finding:
        _ = self._greeting
        return ok(f"{self.target.iot_url} answers (region {self.target.region})")

    def clock(self) -> Finding:
        """Compare this machine's clock with that of the endpoint."""
        date = self._greeting.headers.get("date")
        if not date:
            return unknown("the endpoint tells no time")
        skew = time.time() - parsedate_to_datetime(date).timestamp()
        if abs(skew) > MOST_SKEW:
            return wrong(f"{skew:+.0f} s off", "set this machine's clock: signatures are refused from 15 minutes on")
        return ok(f"{skew:+.0f} s off")

    def local_cloud(self) -> Finding:
        console.state(self.target)
        return ok(f"{self.target.console_url} answers")

    def identity(self) -> Finding:
        answer = self.api.call(STS, "GetCallerIdentity")
        account = str(answer.get("AccountId"))
        if account != self.target.account:
            advice = "set ALIBABA_CLOUD_ACCOUNT_ID (or OTA_MNS_ENDPOINT) to it, or use the other account's keys"
            return wrong(f"the keys are account {account}'s, not {self.target.account}'s", advice)
        return ok(f"{account}, as {answer.get('Arn')}")

    def read_product(self) -> Finding:
        """List the modules of the product, or of one that does not exist."""
        with closing(Products(self.target, 1)) as products:
            [holding] = products.read([ProductRef(self.instance, self.product or NOWHERE)])
        where = f" in instance {self.instance}" if self.instance else ""
        if self.product is None:
            return ok(f"ListOTAModuleByProduct answers{where} ({holding.refused or 'no code'} for no product)")
        if holding.refused:
            advice = "check the key of the product, the region, and the instance (--instance, OTA_IOT_INSTANCE_ID)"
            return wrong(f"{self.product}{where}: {holding.refused}", advice)
        return ok(f"{self.product}{where}: {plural(len(holding.modules), 'module')}")

    def queue(self, name: str) -> Finding:
        return wrong(f"{name} does not exist", DEPLOY) if self.mailbox.queue_created(name) is None else ok(name)

    def topic(self) -> Finding:
        """Check that the result topic is there, and that the outcome queue subscribes to it."""
        topic, queue = self.target.names.result_topic, self.target.names.outcome_queue
        if self.mailbox.topic_created(topic) is None:
            return wrong(f"{topic} does not exist", DEPLOY)
        subscriptions = self.mailbox.subscriptions(topic)
        if queue not in subscriptions:
            return wrong(f"{topic} has no subscription {queue}: outcomes are kept nowhere", DEPLOY)
        return ok(f"{topic}, {plural(len(subscriptions), 'subscription')}")

    @cached_property
    def _figures(self) -> Figures:
        return read_figures(self.target)

    def stream(self) -> Finding:
        streams = self._figures.streams
        if not streams:
            text = "; ".join(self._figures.unknown) or "no stream reads the request queue"
            return unknown(text, "look at the trigger `requests` in the console of Function Compute")
        text = ", ".join(f"{each.name} is {each.state.lower()}" for each in streams)
        if all(each.is_running for each in streams):
            return ok(text)
        return wrong(
            text, "`ota-modules resume`; a stream that failed to start lacks its queue or function: deploy again"
        )

    def dead_letters(self) -> Finding:
        dead = self._figures.dead
        if dead.value is None:
            return unknown(dead.unknown, "`ota-modules dead-letters list` looks itself")
        return wrong(f"{dead.value:g}", "`ota-modules dead-letters list` says why") if dead.value else ok("none")

    def last_error(self) -> Finding:
        error = self._figures.last_error
        return wrong(f"{error.age:.0f} s ago: {error.text}", "`ota-modules status --watch`") if error else ok("none")

    def function(self, name: str) -> Finding:
        self._function(name)
        return ok(name)

    def quota(self, functions: Sequence[str]) -> Finding:
        finding = judge_quota({name: self._function(name)[0] for name in functions})
        others = " Other environments of the account share it too: check each with its OTA_TEMPLATE."
        return finding if self.target.local else replace(finding, text=finding.text + others)

    def role(self) -> Finding:
        """Check that the policies of the functions' role name every action that the function calls."""
        if self.target.local:
            return unknown("the local cloud enforces the policy of template.yml; it has no RAM API to ask")
        return judge_role(self.api, self._function(self.target.names.queue_function)[1].rpartition("/")[2])


def judge_quota(functions: Mapping[str, Mapping[str, str]]) -> Finding:
    """Add up the calls of one operation that functions may make in any second, by their settings.

    Raises: UsageError: a setting is refused.
    """
    settings = {name: quota_settings(environment) for name, environment in functions.items()}
    alone = {name: each.most_in_a_second for name, each in settings.items() if not each.store}
    shared = max((1 + int(each.rate) for each in settings.values() if each.store), default=0)
    total = sum(alone.values()) + shared
    parts = [f"{name} {calls}" for name, calls in alone.items()] + ([f"through the store {shared}"] if shared else [])
    text = f"{total} calls of one operation in any second ({', '.join(parts)}); the account has {ACCOUNT_LIMIT}"
    if total <= ACCOUNT_LIMIT:
        return ok(text)
    return wrong(text, "lower OTA_QPS or OTA_QUOTA_INSTANCES, or share the quota through a store: docs/quota.md")


def judge_role(api: OpenApi, name: str) -> Finding:
    """Compare what a role's policies allow with what the function calls. Raises: CloudError."""
    policies = (api.call(RAM, "ListPoliciesForRole", RoleName=name).get("Policies") or {}).get("Policy") or []
    granted = {action for policy in policies for action in _actions(api, policy)}
    missing = [action for action in NEEDED if not any(fnmatchcase(action, each) for each in granted)]
    if missing:
        return wrong(f"{name} may not {', '.join(missing)}", DEPLOY)
    return ok(f"{name} may do what the function calls (its resources were not compared)")


def _actions(api: OpenApi, policy: Mapping[str, Any]) -> Iterator[str]:
    name, version = str(policy["PolicyName"]), str(policy.get("DefaultVersion") or "v1")
    answer = api.call(RAM, "GetPolicyVersion", PolicyType=str(policy["PolicyType"]), PolicyName=name, VersionId=version)
    text = str((answer.get("PolicyVersion") or {}).get("PolicyDocument") or "{}")
    try:
        document = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    except ValueError:
        raise CloudError(f"RAM: the policy {name} is no JSON") from None
    for statement in document.get("Statement") or ():
        if statement.get("Effect") == "Allow":
            actions = statement.get("Action") or ()
            yield from [actions] if isinstance(actions, str) else actions
