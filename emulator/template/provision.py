"""Sets the local cloud up as template.yml says: functions, streams, queues, topics, roles."""

import contextlib
import sys
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
from emulator.smq.topics import Subscription, TopicAttributes
from emulator.template.reader import Template
from emulator.template.schema import Function

SERVICE = "ota-modules"
"""The FC 2.0 service of the WSGI form."""


def configure_functions(
    template: Template, iot_endpoint: str, code: Path | None, python: str = sys.executable
) -> list[FunctionConfig]:
    """Configure the functions to call the local IoT API; and the HTTP function once more in the FC 2.0 form.

    `code` is the folder to run instead of the one that the template names: the sources, while developing.
    """
    configs = [_configure(function, iot_endpoint, code, python) for function in template.functions]
    return configs + [_configure_wsgi(config) for config in configs if config.http]


def _configure(function: Function, iot_endpoint: str, code: Path | None, python: str) -> FunctionConfig:
    return FunctionConfig(
        name=function.name,
        handler=function.handler,
        code=code or function.code,
        role=function.role,
        initializer=function.initializer,
        initializer_timeout=function.initializer_timeout,
        runtime=function.runtime,
        python=python,
        environment={**function.variables, "OTA_IOT_ENDPOINT": iot_endpoint},
        timeout=function.timeout,
        memory=function.memory,
        instances=100 if function.instances is None else function.instances,
        http=function.http is not None,
        methods=function.http.methods if function.http else (),
    )


def _configure_wsgi(config: FunctionConfig) -> FunctionConfig:
    """Configure the FC 2.0 form. It is no part of what is deployed, so it has the smallest share of the quota."""
    return replace(
        config,
        name=f"{config.name}-wsgi",
        service=SERVICE,
        handler=f"{config.handler.rpartition('.')[0]}.http",
        wsgi=True,
        instances=1,
        environment={**config.environment, "OTA_QPS": "1", "OTA_QUOTA_INSTANCES": "1"},
    )


def configure_streams(template: Template, account: str) -> list[StreamConfig]:
    """Return the event streams of all queue triggers."""
    return [
        StreamConfig(trigger, function.name, template.region, account)
        for function in template.functions
        for trigger in function.queues
        if trigger.enabled
    ]


def provision(template: Template, smq: MessageService, accounts: Accounts) -> None:
    """Create queues, topics, subscriptions and roles; one from an earlier run becomes what the template says."""
    for queue in template.queues:
        with contextlib.suppress(Conflict):
            smq.queues.create(queue.name, queue.attributes)
        smq.queues.change(queue.name, queue.attributes)
    for topic in template.topics:
        smq.topics.create(topic, TopicAttributes())
    for subscription in [*template.subscriptions, *_build_subscriptions(template, accounts.account_id)]:
        try:
            smq.topics.subscribe(subscription)
        except Conflict:
            smq.topics.unsubscribe(subscription.topic, subscription.name)
            smq.topics.subscribe(subscription)
    for role in template.roles:
        accounts.attach(role.name, role.policy.permits)


def _build_subscriptions(template: Template, account: str) -> list[Subscription]:
    return [
        Subscription(
            trigger.topic,
            f"{function.name}-{trigger.name}",
            _arn(template, account, function.name),
            trigger.filter_tag,
            trigger.notify_format,
            trigger.strategy,
        )
        for function in template.functions
        for trigger in function.topics
    ]


def connect(template: Template, smq: MessageService, account: str, endpoint: str) -> None:
    """Let topics push to the functions that they trigger; Function Compute answers at `endpoint`."""
    for function in template.functions:
        if function.topics:
            smq.pusher.receivers[_arn(template, account, function.name)] = partial(_push, endpoint, function.name)


def _arn(template: Template, account: str, function: str) -> str:
    return f"acs:fc:{template.region}:{account}:functions/{function}"


async def _push(endpoint: str, function: str, event: bytes) -> bool:
    """Call a function asynchronously, so that its errors do not concern the topic; return whether the call was accepted."""
    try:
        return (await call(endpoint, function, event, asynchronous=True, timeout=TIMEOUT)).status == 202
    except OSError:
        return False
