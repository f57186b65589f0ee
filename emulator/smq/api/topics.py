"""The operations on topics and subscriptions (SMQ, "Topic operations", "Subscription operations")."""

from emulator.smq.api.calls import Call, Operation, Reply, has
from emulator.smq.api.resources import created_reply, list_reply, read_attributes, resource_operations
from emulator.smq.errors import InvalidArgument
from emulator.smq.messages import body_md5
from emulator.smq.topics import Subscription, TopicAttributes
from emulator.smq.wire import Content, read, read_properties

_NUMBERS = {"MaximumMessageSize": "maximum_message_size"}
_RETENTION = 86_400
"""Seconds that SMQ keeps a topic's messages while it delivers them; nobody can change that."""


async def create_topic(call: Call) -> Reply:
    attributes = TopicAttributes(**read_attributes(call, "Topic", _NUMBERS))
    return created_reply(call, call.service.topics.create(call.topic, attributes))


async def publish_message(call: Call) -> Reply:
    message = read(call.body, "Message")
    body, tag = message.findtext("MessageBody", ""), message.findtext("MessageTag", "")
    attributes = {str(child.tag): child.text or "" for child in message.iterfind("MessageAttributes/*")}
    message_id = call.service.publish(call.topic, body, tag, attributes, read_properties(message))
    return Reply(201, "Message", {"MessageId": message_id, "MessageBodyMD5": body_md5(body)})


async def list_subscriptions(call: Call) -> Reply:
    def describe(name: str, _with_meta: bool) -> Content:
        return {"SubscriptionURL": f"{call.url}/subscriptions/{name}"}

    names = [subscription.name for subscription in call.service.topics.subscriptions(call.topic)]
    return list_reply(call, "Subscriptions", names, "Subscription", describe)


async def subscribe(call: Call) -> Reply:
    subscription = read(call.body, "Subscription")
    notify_format = subscription.findtext("NotifyContentFormat", "XML")
    if notify_format == "STREAM":
        raise InvalidArgument("The value of NotifyContentFormat should be one of XML, JSON and SIMPLIFIED.")
    new = call.service.topics.subscribe(
        Subscription(
            call.topic,
            call.subscription,
            subscription.findtext("Endpoint", ""),
            subscription.findtext("FilterTag", ""),
            notify_format,
            subscription.findtext("NotifyStrategy", "BACKOFF_RETRY"),
        )
    )
    return created_reply(call, new)


async def set_subscription_attributes(call: Call) -> Reply:
    strategy = read(call.body, "Subscription").findtext("NotifyStrategy", "BACKOFF_RETRY")
    call.service.topics.change_strategy(call.topic, call.subscription, strategy)
    return Reply(204)


async def get_subscription_attributes(call: Call) -> Reply:
    subscription = call.service.topics.subscription(call.topic, call.subscription)
    content = {
        "TopicOwner": call.service.accounts.account_id,
        "TopicName": subscription.topic,
        "SubscriptionName": subscription.name,
        "Endpoint": subscription.endpoint,
        "NotifyStrategy": subscription.strategy,
        "NotifyContentFormat": subscription.notify_format,
        "FilterTag": subscription.filter_tag or None,
        "CreateTime": subscription.created,
        "LastModifyTime": subscription.modified,
    }
    return Reply(200, "Subscription", content)


async def unsubscribe(call: Call) -> Reply:
    call.service.topics.unsubscribe(call.topic, call.subscription)
    return Reply(204)


def _describe(call: Call, name: str) -> Content:
    topic = call.service.topics.get(name)
    return {
        "TopicName": topic.name,
        "CreateTime": topic.created,
        "LastModifyTime": topic.modified,
        "MaximumMessageSize": topic.attributes.maximum_message_size,
        "MessageRetentionPeriod": _RETENTION,
        "MessageCount": call.service.pusher.waiting(name),
        "LoggingEnabled": str(topic.attributes.logging_enabled),
    }


_SUBSCRIPTION = "topics/{topics}/subscriptions/{subscriptions}"

OPERATIONS = (
    *resource_operations("Topic", lambda service: service.topics, _describe, _NUMBERS, create_topic),
    Operation("PublishMessage", "POST", "topics/{topics}/messages", publish_message),
    Operation("ListSubscriptionByTopic", "GET", "topics/{topics}/subscriptions", list_subscriptions),
    Operation("SetSubscriptionAttributes", "PUT", _SUBSCRIPTION, set_subscription_attributes, has("metaoverride")),
    Operation("Subscribe", "PUT", _SUBSCRIPTION, subscribe),
    Operation("GetSubscriptionAttributes", "GET", _SUBSCRIPTION, get_subscription_attributes),
    Operation("Unsubscribe", "DELETE", _SUBSCRIPTION, unsubscribe),
)
