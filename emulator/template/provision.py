"""What template.yml deploys, as values of the local cloud: functions, streams, queues, topics, roles."""

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from emulator.eventbridge.config import StreamConfig
from emulator.fc.client import call
from emulator.fc.config import FunctionConfig
from emulator.ram.keys import Accounts
from emulator.smq.errors import Conflict
from emulator.smq.pushes import TIMEOUT
from emulator.smq.service import MessageService
from emulator.smq.topics import Subscription
from emulator.template import reader as template
from emulator.template.reader import Function, Template

SERVICE = "ota-modules"
"""The FC 2.0 service of the WSGI form."""


def read(path: Path, mns_endpoint: str) -> Template:
    """The template, with the local cloud's SMQ in place of the account's. Raises: TemplateError."""
    return template.load(path, outputs={"MnsEndpoint": mns_endpoint})


def functions(
    deployed: Template, iot_endpoint: str, code: Path | None, python: str = sys.executable
) -> list[FunctionConfig]:
    """The functions, calling the local IoT API; and the HTTP function once more in the FC 2.0 form.

    `code` is the folder to run instead of the one that the template names: the sources, while developing.
    """
    found = [_function(one, iot_endpoint, code, python) for one in deployed.functions]
    return found + [_wsgi(one) for one in found if one.http_auth is not None]


def _function(one: Function, iot_endpoint: str, code: Path | None, python: str) -> FunctionConfig:
    variables: Mapping[str, str] = {**one.variables, "OTA_IOT_ENDPOINT": iot_endpoint}
    return FunctionConfig(
        name=one.name,
        handler=one.handler,
        code=code or one.code,
        role=one.role,
        initializer=one.initializer,
        initializer_timeout=one.initializer_timeout,
        runtime=one.runtime,
        python=python,
        environment=variables,
        timeout=one.timeout,
        memory=one.memory,
        instances=100 if one.instances is None else one.instances,
        # Whoever reaches the loopback address is the account's owner: curl needs no signature here.
        http_auth="anonymous" if one.http else None,
        methods=one.http.methods if one.http else (),
    )


def _wsgi(one: FunctionConfig) -> FunctionConfig:
    """It comes in addition to what is deployed, so it has the smallest share of the quota."""
    module = one.handler.rpartition(".")[0]
    share = {**one.environment, "OTA_QPS": "1", "OTA_QUOTA_INSTANCES": "1"}
    return replace(
        one,
        name=f"{one.name}-wsgi",
        service=SERVICE,
        handler=f"{module}.http",
        wsgi=True,
        instances=1,
        environment=share,
    )


def streams(deployed: Template, account: str) -> list[StreamConfig]:
    """The event streams of all queue triggers."""
    return [
        StreamConfig(trigger, one.name, deployed.region, account)
        for one in deployed.functions
        for trigger in one.queues
        if trigger.enabled
    ]


def provision(deployed: Template, smq: MessageService, accounts: Accounts) -> None:
    """Make queues, topics, subscriptions and roles; what is there from an earlier run becomes what the template says."""
    for queue in deployed.queues:
        with contextlib.suppress(Conflict):
            smq.queues.create(queue.name, queue.attributes)
        smq.queues.change(queue.name, queue.attributes)
    for topic in deployed.topics:
        smq.topics.create(topic)
    for subscription in [*deployed.subscriptions, *topic_subscriptions(deployed, accounts.account_id)]:
        try:
            smq.topics.subscribe(subscription)
        except Conflict:
            smq.topics.unsubscribe(subscription.topic, subscription.name)
            smq.topics.subscribe(subscription)
    for role in deployed.roles:
        accounts.attach(role.name, role.policy.permits)


def topic_subscriptions(deployed: Template, account: str) -> list[Subscription]:
    """What the topic triggers of all functions subscribe to."""
    return [
        Subscription(
            trigger.topic,
            f"{one.name}-{trigger.triggerName}",
            _arn(deployed, account, one.name),
            trigger.triggerConfig.filterTag or "",
            trigger.triggerConfig.notifyContentFormat,
            trigger.triggerConfig.notifyStrategy,
        )
        for one in deployed.functions
        for trigger in one.topics
    ]


def connect(deployed: Template, smq: MessageService, account: str, endpoint: str) -> None:
    """Let topics push to the functions that they trigger; Function Compute answers at `endpoint`."""
    for one in deployed.functions:
        if one.topics:
            smq.pusher.receivers[_arn(deployed, account, one.name)] = partial(_push, endpoint, one.name)


def _arn(deployed: Template, account: str, function: str) -> str:
    return f"acs:fc:{deployed.region}:{account}:functions/{function}"


async def _push(endpoint: str, function: str, event: bytes) -> bool:
    """Call a function asynchronously, so that its errors do not concern the topic; whether the call was accepted."""
    try:
        return (await call(endpoint, function, event, asynchronous=True, timeout=TIMEOUT)).status == 202
    except OSError:
        return False
