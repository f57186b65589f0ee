"""Checks that are the same for the local cloud and for an account: reachability, clock, product, queues, topic."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from email.utils import parsedate_to_datetime
from functools import partial

from cli.clients import http
from cli.clients.checks import Check, Finding
from cli.clients.figures import Figures, quota_settings
from cli.clients.iot import ProductRef, Products
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CloudError
from cli.terminal.screen import plural
from handler.settings import ACCOUNT_LIMIT

MOST_SKEW = 300
"""Seconds that the clock may be wrong; signatures are refused from 15 minutes on."""
DEPLOY = "deploy it: `npx s infra deploy -t template.yml`"
NOWHERE = "doctor0000"
"""A product that no account has: the answer shows that the API lets the keys in."""


def reachable(target: Target) -> Finding:
    """Check that the IoT endpoint answers, whatever it says. Raises: CloudError: it does not."""
    try:
        http.call(f"{target.iot_url}/", seconds=10)
    except CloudError as error:
        return Finding(
            "IoT endpoint",
            "wrong",
            str(error),
            "check vars.region in template.yml (or OTA_REGION), OTA_IOT_ENDPOINT and the network",
        )
    return Finding("IoT endpoint", "ok", f"{target.iot_url} answers (region {target.region})")


def clock(target: Target) -> Finding:
    """Compare this machine's clock with that of the endpoint. Raises: CloudError."""
    answer = http.call(f"{target.iot_url}/", seconds=10)
    date = answer.headers.get("date")
    if not date:
        return Finding("clock", "unknown", "the endpoint tells no time")
    skew = time.time() - parsedate_to_datetime(date).timestamp()
    if abs(skew) > MOST_SKEW:
        advice = "set this machine's clock: signatures are refused from 15 minutes on"
        return Finding("clock", "wrong", f"{skew:+.0f} s off", advice)
    return Finding("clock", "ok", f"{skew:+.0f} s off")


def product(target: Target, key: str | None, instance: str) -> Finding:
    """List the modules of a product, or of one that does not exist. Raises: CloudError: the API lets nobody in."""
    with closing(Products(target, 1)) as products:
        [holding] = products.read([ProductRef(instance, key or NOWHERE)])
    where = f" in instance {instance}" if instance else ""
    if key is None:
        return Finding(
            "IoT API", "ok", f"ListOTAModuleByProduct answers{where} ({holding.refused or 'no code'} for no product)"
        )
    if holding.refused:
        advice = "check the key of the product, the region, and the instance (--instance, OTA_IOT_INSTANCE_ID)"
        return Finding("product", "wrong", f"{key}{where}: {holding.refused}", advice)
    return Finding("product", "ok", f"{key}{where}: {plural(len(holding.modules), 'module')}")


def queue(mailbox: Mailbox, name: str) -> Finding:
    """Check that a queue is there. Raises: CloudError."""
    if mailbox.queue_created(name) is None:
        return Finding("queue", "wrong", f"{name} does not exist", DEPLOY)
    return Finding("queue", "ok", name)


def topic(mailbox: Mailbox, target: Target) -> Finding:
    """Check that the result topic is there, and that the outcome queue subscribes to it. Raises: CloudError."""
    names = target.names
    if mailbox.topic_created(names.result_topic) is None:
        return Finding("topic", "wrong", f"{names.result_topic} does not exist", DEPLOY)
    subscriptions = mailbox.subscriptions(names.result_topic)
    if names.outcome_queue not in subscriptions:
        text = f"{names.result_topic} has no subscription {names.outcome_queue}: outcomes are kept nowhere"
        return Finding("topic", "wrong", text, DEPLOY)
    return Finding("topic", "ok", f"{names.result_topic}, {plural(len(subscriptions), 'subscription')}")


def traffic(read: Callable[[], Figures]) -> list[Finding]:
    """Check that nothing was given up and that the stream runs. Raises: CloudError."""
    figures = read()
    return [_dead(figures), *_streams(figures), *_last_error(figures)]


def _dead(figures: Figures) -> Finding:
    if figures.dead.value is None:
        return Finding("dead letters", "unknown", figures.dead.why, "`ota-modules dead-letters list` looks itself")
    if figures.dead.value:
        return Finding("dead letters", "wrong", f"{figures.dead.value:g}", "`ota-modules dead-letters list` says why")
    return Finding("dead letters", "ok", "none")


def _streams(figures: Figures) -> list[Finding]:
    if not figures.streams:
        text = "; ".join(figures.unknown) or "no stream reads the request queue"
        return [Finding("stream", "unknown", text, "look at the trigger `requests` in the console of Function Compute")]
    advice = "`ota-modules resume`; a stream that failed to start lacks its queue or function: deploy again"
    return [
        Finding(
            "stream",
            "ok" if each.state.lower() == "running" else "wrong",
            f"{each.name} is {each.state.lower()}",
            advice,
        )
        for each in figures.streams
    ]


def _last_error(figures: Figures) -> list[Finding]:
    error = figures.last_error
    return (
        [Finding("last error", "wrong", f"{error.age:.0f} s ago: {error.text}", "`ota-modules status --watch`")]
        if error
        else []
    )


def quota(functions: Sequence[tuple[str, dict[str, str]]]) -> Finding:
    """Add up the calls of one operation that all functions may make in any second; `functions` are names and settings.

    Raises: UsageError: a setting is refused.
    """
    advice = "lower OTA_QPS or OTA_QUOTA_INSTANCES, or share the quota through a store: docs/quota.md"
    settings = [(name, quota_settings(each), "OTA_QUOTA_URL" in each) for name, each in functions]
    alone = {name: each.most_in_a_second for name, each, url in settings if not (url or each.store)}
    shared = max((1 + int(each.rate) for _, each, url in settings if url or each.store), default=0)
    total = sum(alone.values()) + shared
    parts = [f"{name} {calls}" for name, calls in alone.items()] + ([f"through the store {shared}"] if shared else [])
    text = f"{total} calls of one operation in any second ({', '.join(parts)}); the account has {ACCOUNT_LIMIT}"
    return Finding("quota", "ok" if total <= ACCOUNT_LIMIT else "wrong", text, advice)


def checks_of_queues(target: Target, mailbox: Mailbox) -> list[Check]:
    """Return the checks of queues and topic."""
    names = target.names
    advice = "it takes mns:GetQueueAttributes, mns:GetTopicAttributes and mns:ListSubscriptionByTopic"
    queues = (names.request_queue, names.dead_letter_queue, names.outcome_queue)
    return [
        *(Check("queue", partial(queue, mailbox, name), advice) for name in queues),
        Check("topic", partial(topic, mailbox, target), advice),
    ]
