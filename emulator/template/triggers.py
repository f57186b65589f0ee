"""The triggers of a function in template.yml, as far as they have a counterpart on one machine."""

from dataclasses import dataclass

from emulator.eventbridge.config import QueueTrigger
from emulator.template import schema
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


def queue_trigger(trigger: schema.StreamTrigger) -> QueueTrigger:
    """Return the stream from a queue. Raises: TemplateError: the source is another, which has no counterpart on one machine."""
    config, name = trigger.triggerConfig, trigger.triggerName
    source = config.eventSourceConfig.eventSourceParameters.sourceMNSParameters
    if config.eventSourceConfig.eventSourceType != "MNS":
        raise TemplateError(f"trigger {name}: {config.eventSourceConfig.eventSourceType} has no local counterpart")
    if source is None:
        raise TemplateError(f"trigger {name}: sourceMNSParameters is required")
    options = config.runOptions
    return QueueTrigger(
        name=name,
        queue=source.QueueName,
        enabled=config.triggerEnable,
        asynchronous=config.asyncInvocationType,
        base64_decode=source.IsBase64Decode,
        event_schema=config.eventSinkConfig.deliveryOption.eventSchema,
        mode=options.mode,
        batch_messages=options.batchWindow.CountBasedWindow,
        batch_seconds=options.batchWindow.TimeBasedWindow,
        retry_strategy=options.retryStrategy.PushRetryStrategy,
        errors_tolerance=options.errorsTolerance,
        dead_letter_queue=options.deadLetterQueue.Arn.rpartition("/queues/")[2] or None,
    )


def topic_trigger(trigger: schema.TopicTrigger) -> TopicTrigger:
    """Return the push from a topic."""
    config = trigger.triggerConfig
    topic = trigger.sourceArn.rpartition("/topics/")[2]
    return TopicTrigger(trigger.triggerName, topic, config.notifyContentFormat, config.notifyStrategy, config.filterTag)


def http_trigger(trigger: schema.HttpTrigger) -> HttpTrigger:
    """Return a function's address."""
    return HttpTrigger(trigger.triggerName, trigger.triggerConfig.authType, tuple(trigger.triggerConfig.methods))
