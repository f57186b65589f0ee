"""The official SDK, unmodified, against the local SMQ: topics and subscriptions."""

import json

import pytest
from mns.account import Account
from mns.subscription import Subscription, SubscriptionMeta
from mns.topic import Base64TopicMessage, Topic, TopicMessage, TopicMeta

from emulator.smq.service import MessageService
from tests.emulator.smq.sdk import refusal

QUEUE = "acs:mns:cn-shanghai:1234567890123456:queues/outcomes"


@pytest.fixture(autouse=True)
def topic(service: MessageService, account: Account) -> Topic:
    service.create_queue("outcomes")
    topic = account.get_topic("results")
    topic.create(TopicMeta())
    return topic


@pytest.fixture
def subscription(topic: Topic) -> Subscription:
    return topic.get_subscription("s")


def receive(service: MessageService) -> list[str]:
    return [message.body for message in service.receive("outcomes", 16)]


def test_a_topic_is_created_described_changed_and_deleted(topic: Topic) -> None:
    assert topic.create(TopicMeta()).endswith("/topics/results")
    assert refusal(topic.create, TopicMeta(1024)).type == "TopicAlreadyExist"
    topic.publish_message(TopicMessage("x" * 65_536))
    assert refusal(topic.publish_message, TopicMessage("x" * 65_537)).type == "InvalidArgument"
    topic.set_attributes(TopicMeta(1024, True))
    meta = topic.get_attributes()
    assert (meta.topic_name, meta.maximum_message_size, meta.logging_enabled) == ("results", 1024, True)
    topic.delete()
    assert refusal(topic.publish_message, TopicMessage("x")).type == "TopicNotExist"


def test_topics_and_subscriptions_are_listed_in_pages(account: Account, topic: Topic) -> None:
    for name in ("a", "b"):
        account.get_topic(name).create(TopicMeta())
        topic.get_subscription(name).subscribe(SubscriptionMeta(QUEUE))
    for list_page, names in (
        (account.list_topic, ["/topics/a", "/topics/b", "/topics/results"]),
        (topic.list_subscription, ["/topics/results/subscriptions/a", "/topics/results/subscriptions/b"]),
    ):
        urls, marker = list_page(ret_number=1)
        rest, end = list_page(ret_number=2, marker=marker)
        assert ([url[url.index("/topics") :] for url in urls + rest], end) == (names, "")


def test_a_subscription_is_made_described_changed_and_ended(
    service: MessageService, topic: Topic, subscription: Subscription
) -> None:
    """Only the strategy can be changed."""
    assert subscription.subscribe(SubscriptionMeta(QUEUE)) == subscription.subscribe(SubscriptionMeta(QUEUE))
    error = refusal(subscription.subscribe, SubscriptionMeta("http://127.0.0.1:1/x"))
    assert error.type == "SubscriptionAlreadyExist"
    subscription.set_attributes(SubscriptionMeta(QUEUE, "EXPONENTIAL_DECAY_RETRY"))
    meta = subscription.get_attributes()
    assert (meta.endpoint, meta.notify_strategy) == (QUEUE, "EXPONENTIAL_DECAY_RETRY")
    assert (meta.notify_content_format, meta.filter_tag) == ("XML", "")
    assert (meta.topic_owner, meta.topic_name) == ("1234567890123456", "results")
    subscription.unsubscribe()
    topic.publish_message(TopicMessage("x"))
    assert receive(service) == []
    assert refusal(subscription.get_attributes).type == "SubscriptionNotExist"


def test_an_endpoint_off_this_machine_is_refused(subscription: Subscription) -> None:
    for endpoint in (
        "http://example.com/x",
        "http://192.0.2.1/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1@example.com/",
        "http://localhost.example.com/",
        "mail:directmail:x@example.com",
        "queues/outcomes",
    ):
        assert refusal(subscription.subscribe, SubscriptionMeta(endpoint)).type == "EndpointInvalid", endpoint


def test_a_notification_has_the_format_of_its_subscription(service: MessageService, topic: Topic) -> None:
    """XML and JSON describe the message, SIMPLIFIED is its body alone."""
    for notify_format in ("JSON", "SIMPLIFIED", "XML"):
        meta = SubscriptionMeta(QUEUE, notify_content_format=notify_format)
        topic.get_subscription(notify_format).subscribe(meta)
    sent = topic.publish_message(TopicMessage("a<b", "created"))
    described, body, xml = receive(service)
    fields = json.loads(described)
    assert isinstance(fields.pop("PublishTime"), int)
    assert fields == {
        "TopicOwner": "1234567890123456",
        "TopicName": "results",
        "Subscriber": "1234567890123456",
        "SubscriptionName": "JSON",
        "MessageId": sent.message_id,
        "Message": "a<b",
        "MessageMD5": sent.message_body_md5,
        "MessageTag": "created",
    }
    assert body == "a<b"
    assert '<Notification xmlns="http://mns.aliyuncs.com/doc/v1/">' in xml
    assert "<Message>a&lt;b</Message>" in xml


def test_a_filter_passes_only_its_own_tag(service: MessageService, topic: Topic, subscription: Subscription) -> None:
    subscription.subscribe(SubscriptionMeta(QUEUE, notify_content_format="SIMPLIFIED", filter_tag="failed"))
    sent = topic.publish_message(Base64TopicMessage("hello", "failed"))
    topic.publish_message(TopicMessage("2", "created"))
    topic.publish_message(TopicMessage("3"))
    assert receive(service) == ["aGVsbG8="]
    assert sent.message_body_md5 == "0733351879B2FA9BD05C7CA3061529C0"
