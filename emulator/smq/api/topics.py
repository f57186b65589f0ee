"""The operations on topics and subscriptions (SMQ, "Topic operations", "Subscription operations")."""

from dataclasses import replace
from typing import Any

from emulator.smq.api.calls import Call, Operation, Reply, created_reply, has, list_reply, read_listing
from emulator.smq.errors import InvalidArgument
from emulator.smq.limits import paged
from emulator.smq.messages import body_md5
from emulator.smq.topics import STREAM, XML, TopicAttributes
from emulator.smq.wire import Element, element, elements, flag, number, properties, read

_RETENTION = 86_400
"""Seconds that SMQ keeps a topic's messages while it delivers them; nobody can change that."""


async def list_topics(call: Call) -> Reply:
    listing = read_listing(call)
    page = call.service.topics.page(listing.prefix, listing.marker, listing.count)
    return list_reply("Topics", page, [_item(call, name, listing.with_meta) for name in page.names])


async def create_topic(call: Call) -> Reply:
    attributes = TopicAttributes(**_attributes(read(call.body, "Topic")))
    return created_reply(call, call.service.topics.create(call.names["topics"], attributes))


async def set_topic_attributes(call: Call) -> Reply:
    name = call.names["topics"]
    attributes = call.service.topics.get(name).attributes
    call.service.topics.change(name, replace(attributes, **_attributes(read(call.body, "Topic"))))
    return Reply(204)


async def get_topic_attributes(call: Call) -> Reply:
    return Reply(200, element("Topic", *_describe(call, call.names["topics"])))


async def delete_topic(call: Call) -> Reply:
    call.service.topics.remove(call.names["topics"])
    return Reply(204)


async def publish_message(call: Call) -> Reply:
    message = read(call.body, "Message")
    body, tag = message.findtext("MessageBody", ""), message.findtext("MessageTag", "")
    attributes = {str(child.tag): child.text or "" for child in message.iterfind("MessageAttributes/*")}
    message_id = call.service.publish(call.names["topics"], body, tag, attributes, properties(message))
    return Reply(201, element("Message", *elements([("MessageId", message_id), ("MessageBodyMD5", body_md5(body))])))


async def list_subscriptions(call: Call) -> Reply:
    listing = read_listing(call)
    names = [subscription.name for subscription in call.service.topics.subscriptions(call.names["topics"])]
    page = paged([name for name in names if name.startswith(listing.prefix) and name > listing.marker], listing.count)
    items = [
        element("Subscription", element("SubscriptionURL", f"{call.place}/subscriptions/{name}")) for name in page.names
    ]
    return list_reply("Subscriptions", page, items)


async def subscribe(call: Call) -> Reply:
    subscription = read(call.body, "Subscription")
    notify_format = subscription.findtext("NotifyContentFormat", XML)
    if notify_format == STREAM:
        raise InvalidArgument("The value of NotifyContentFormat should be one of XML, JSON and SIMPLIFIED.")
    new = call.service.subscribe(
        call.names["topics"],
        call.names["subscriptions"],
        subscription.findtext("Endpoint", ""),
        subscription.findtext("FilterTag", ""),
        notify_format,
        subscription.findtext("NotifyStrategy", "BACKOFF_RETRY"),
    )
    return created_reply(call, new)


async def set_subscription_attributes(call: Call) -> Reply:
    strategy = read(call.body, "Subscription").findtext("NotifyStrategy", "BACKOFF_RETRY")
    call.service.topics.change_strategy(call.names["topics"], call.names["subscriptions"], strategy)
    return Reply(204)


async def get_subscription_attributes(call: Call) -> Reply:
    subscription = call.service.topics.subscription(call.names["topics"], call.names["subscriptions"])
    tag = [("FilterTag", subscription.filter_tag)] if subscription.filter_tag else []
    values: list[tuple[str, str | int]] = [
        ("TopicOwner", call.service.accounts.account_id),
        ("TopicName", subscription.topic),
        ("SubscriptionName", subscription.name),
        ("Endpoint", subscription.endpoint),
        ("NotifyStrategy", subscription.strategy),
        ("NotifyContentFormat", subscription.notify_format),
        *tag,
        ("CreateTime", subscription.created),
        ("LastModifyTime", subscription.modified),
    ]
    return Reply(200, element("Subscription", *elements(values)))


async def unsubscribe(call: Call) -> Reply:
    call.service.topics.unsubscribe(call.names["topics"], call.names["subscriptions"])
    return Reply(204)


def _attributes(topic: Element) -> dict[str, Any]:
    values = {
        "maximum_message_size": number(topic, "MaximumMessageSize"),
        "logging_enabled": flag(topic, "LoggingEnabled"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _describe(call: Call, name: str) -> list[Element]:
    topic = call.service.topics.get(name)
    return elements(
        [
            ("TopicName", topic.name),
            ("CreateTime", topic.created),
            ("LastModifyTime", topic.modified),
            ("MaximumMessageSize", topic.attributes.maximum_message_size),
            ("MessageRetentionPeriod", _RETENTION),
            ("MessageCount", call.service.pusher.waiting(name)),
            ("LoggingEnabled", str(topic.attributes.logging_enabled)),
        ]
    )


def _item(call: Call, name: str, with_meta: bool) -> Element:
    url = element("TopicURL", f"{call.base}/topics/{name}")
    return element("Topic", url, *(_describe(call, name) if with_meta else []))


_TOPIC = "topics/{topics}"
_SUBSCRIPTION = "topics/{topics}/subscriptions/{subscriptions}"

OPERATIONS = (
    Operation("ListTopic", "GET", "topics", list_topics),
    Operation("SetTopicAttributes", "PUT", _TOPIC, set_topic_attributes, has("metaoverride")),
    Operation("CreateTopic", "PUT", _TOPIC, create_topic),
    Operation("GetTopicAttributes", "GET", _TOPIC, get_topic_attributes),
    Operation("DeleteTopic", "DELETE", _TOPIC, delete_topic),
    Operation("PublishMessage", "POST", "topics/{topics}/messages", publish_message),
    Operation("ListSubscriptionByTopic", "GET", "topics/{topics}/subscriptions", list_subscriptions),
    Operation("SetSubscriptionAttributes", "PUT", _SUBSCRIPTION, set_subscription_attributes, has("metaoverride")),
    Operation("Subscribe", "PUT", _SUBSCRIPTION, subscribe),
    Operation("GetSubscriptionAttributes", "GET", _SUBSCRIPTION, get_subscription_attributes),
    Operation("Unsubscribe", "DELETE", _SUBSCRIPTION, unsubscribe),
)
