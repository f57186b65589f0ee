"""The triggers of a function in template.yml, as far as they have a counterpart on one machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.eventbridge.config import QueueTrigger
from emulator.template.variables import TemplateError


@dataclass(frozen=True)
class TopicTrigger:
    """A topic that pushes to a function (trigger type `mns_topic`)."""

    name: str
    topic: str
    content_format: str = "STREAM"
    strategy: str = "BACKOFF_RETRY"
    filter_tag: str | None = None


@dataclass(frozen=True)
class HttpTrigger:
    """An address of a function's own (trigger type `http`)."""

    name: str
    auth: str
    methods: tuple[str, ...]


def queue_trigger(trigger: Mapping[str, Any]) -> QueueTrigger:
    """A stream from a queue; any other source has no counterpart on one machine."""
    config, name = trigger["triggerConfig"], trigger["triggerName"]
    if config["eventSourceConfig"]["eventSourceType"] != "MNS":
        raise TemplateError(
            f"trigger {name}: {config['eventSourceConfig']['eventSourceType']} has no local counterpart"
        )
    source = config["eventSourceConfig"]["eventSourceParameters"]["sourceMNSParameters"]
    options = config.get("runOptions", {})
    delivery = config.get("eventSinkConfig", {}).get("deliveryOption", {})
    window = options.get("batchWindow", {})
    dead_letters = options.get("deadLetterQueue", {}).get("Arn")
    return QueueTrigger(
        name=name,
        queue=source["QueueName"],
        enabled=config.get("triggerEnable", QueueTrigger.enabled),
        asynchronous=config.get("asyncInvocationType", QueueTrigger.asynchronous),
        base64_decode=source.get("IsBase64Decode", QueueTrigger.base64_decode),
        event_schema=delivery.get("eventSchema", QueueTrigger.event_schema),
        mode=options.get("mode", QueueTrigger.mode),
        batch_messages=window.get("CountBasedWindow", QueueTrigger.batch_messages),
        batch_seconds=window.get("TimeBasedWindow", QueueTrigger.batch_seconds),
        retry_strategy=options.get("retryStrategy", {}).get("PushRetryStrategy", QueueTrigger.retry_strategy),
        errors_tolerance=options.get("errorsTolerance", QueueTrigger.errors_tolerance),
        dead_letter_queue=dead_letters.rpartition("/queues/")[2] if dead_letters else None,
    )


def topic_trigger(trigger: Mapping[str, Any]) -> TopicTrigger:
    """A push from a topic."""
    config = trigger["triggerConfig"]
    return TopicTrigger(
        name=trigger["triggerName"],
        topic=trigger["sourceArn"].rpartition("/topics/")[2],
        content_format=config.get("notifyContentFormat", TopicTrigger.content_format),
        strategy=config.get("notifyStrategy", TopicTrigger.strategy),
        filter_tag=config.get("filterTag"),
    )


def http_trigger(trigger: Mapping[str, Any]) -> HttpTrigger:
    """A function's address."""
    config = trigger["triggerConfig"]
    return HttpTrigger(trigger["triggerName"], config["authType"], tuple(config["methods"]))
