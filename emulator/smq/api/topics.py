"""The operations on topics and subscriptions (SMQ, "Topic operations", "Subscription operations")."""

from dataclasses import replace
from typing import Any

from emulator.smq.api.calls import Call, Operation, Reply, created, has, listed, listing
from emulator.smq.errors import InvalidArgument
from emulator.smq.limits import paged
from emulator.smq.messages import body_md5
from emulator.smq.retries import BACKOFF_RETRY
from emulator.smq.topics import STREAM, XML, TopicAttributes
from emulator.smq.wire import Given, Node, nodes, properties, read

# SMQ keeps a topic's messages for a day while it delivers them, and lets nobody change that.
_RETENTION = 86_400


async def list_topics(call: Call) -> Reply:
    wanted = listing(call)
    page = call.service.topics.page(wanted.prefix, wanted.marker, wanted.count)
    return listed("Topics", page, [_item(call, name, wanted.with_meta) for name in page.names])


async def create_topic(call: Call) -> Reply:
    attributes = TopicAttributes(**_given(read(call.body, "Topic")))
    return created(call, call.service.topics.create(call.names["topics"], attributes))


async def set_topic_attributes(call: Call) -> Reply:
    name = call.names["topics"]
    attributes = call.service.topics.get(name).attributes
    call.service.topics.change(name, replace(attributes, **_given(read(call.body, "Topic"))))
    return Reply(204)


async def get_topic_attributes(call: Call) -> Reply:
    return Reply(200, Node("Topic", _described(call, call.names["topics"])))


async def delete_topic(call: Call) -> Reply:
    call.service.topics.remove(call.names["topics"])
    return Reply(204)


async def publish_message(call: Call) -> Reply:
    message = read(call.body, "Message")
    body = message.get("MessageBody")
    attributes = message.find("MessageAttributes")
    given = {child.name: child.text for child in attributes.children} if attributes else {}
    message_id = call.service.publish(call.names["topics"], body, message.get("MessageTag"), given, properties(message))
    return Reply(201, Node("Message", nodes([("MessageId", message_id), ("MessageBodyMD5", body_md5(body))])))


async def list_subscriptions(call: Call) -> Reply:
    wanted = listing(call)
    names = [one.name for one in call.service.topics.subscriptions(call.names["topics"])]
    page = paged([name for name in names if name.startswith(wanted.prefix) and name > wanted.marker], wanted.count)
    items = [
        Node("Subscription", [Node("SubscriptionURL", f"{call.place}/subscriptions/{name}")]) for name in page.names
    ]
    return listed("Subscriptions", page, items)


async def subscribe(call: Call) -> Reply:
    given = read(call.body, "Subscription")
    notify_format = given.get("NotifyContentFormat", XML)
    if notify_format == STREAM:
        raise InvalidArgument("The value of NotifyContentFormat should be one of XML, JSON and SIMPLIFIED.")
    new = call.service.subscribe(
        call.names["topics"],
        call.names["subscriptions"],
        given.get("Endpoint"),
        given.get("FilterTag"),
        notify_format,
        given.get("NotifyStrategy", BACKOFF_RETRY),
    )
    return created(call, new)


async def set_subscription_attributes(call: Call) -> Reply:
    strategy = read(call.body, "Subscription").get("NotifyStrategy", BACKOFF_RETRY)
    call.service.topics.change_strategy(call.names["topics"], call.names["subscriptions"], strategy)
    return Reply(204)


async def get_subscription_attributes(call: Call) -> Reply:
    found = call.service.topics.subscription(call.names["topics"], call.names["subscriptions"])
    tag = [("FilterTag", found.filter_tag)] if found.filter_tag else []
    described: list[tuple[str, str | int]] = [
        ("TopicOwner", call.service.accounts.account_id),
        ("TopicName", found.topic),
        ("SubscriptionName", found.name),
        ("Endpoint", found.endpoint),
        ("NotifyStrategy", found.strategy),
        ("NotifyContentFormat", found.notify_format),
        *tag,
        ("CreateTime", found.created),
        ("LastModifyTime", found.modified),
    ]
    return Reply(200, Node("Subscription", nodes(described)))


async def unsubscribe(call: Call) -> Reply:
    call.service.topics.unsubscribe(call.names["topics"], call.names["subscriptions"])
    return Reply(204)


def _given(topic: Given) -> dict[str, Any]:
    values = {
        "maximum_message_size": topic.number("MaximumMessageSize"),
        "logging_enabled": topic.flag("LoggingEnabled"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _described(call: Call, name: str) -> list[Node]:
    topic = call.service.topics.get(name)
    return nodes(
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


def _item(call: Call, name: str, with_meta: bool) -> Node:
    url = Node("TopicURL", f"{call.base}/topics/{name}")
    return Node("Topic", [url, *(_described(call, name) if with_meta else [])])


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
