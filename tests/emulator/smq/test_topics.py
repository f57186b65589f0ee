"""The official SDK, unmodified, against the local SMQ: topics and subscriptions."""

import json

import pytest
from mns.account import Account
from mns.subscription import Subscription, SubscriptionMeta
from mns.topic import Base64TopicMessage, Topic, TopicMessage, TopicMeta

from emulator.smq.service import MessageService
from tests.emulator.smq.sdk import refusal

QUEUE = "acs:mns:cn-shanghai:1234567890123456:queues/outcomes"
META = SubscriptionMeta(QUEUE)


@pytest.fixture(autouse=True)
def outcomes(service: MessageService) -> None:
    service.create_queue("outcomes")


@pytest.fixture
def topic(account: Account) -> Topic:
    topic = account.get_topic("results")
    topic.create(TopicMeta())
    return topic


@pytest.fixture
def subscription(account: Account, topic: Topic) -> Subscription:
    return account.get_subscription("results", "s")


def received(service: MessageService) -> list[str]:
    return [message.body for message in service.receive("outcomes", 16)]


def test_a_topic_is_created_described_changed_and_deleted(topic: Topic) -> None:
    assert topic.create(TopicMeta()).endswith("/topics/results")
    assert refusal(lambda: topic.create(TopicMeta(1024))).type == "TopicAlreadyExist"
    topic.set_attributes(TopicMeta(1024, True))
    meta = topic.get_attributes()
    assert (meta.topic_name, meta.maximum_message_size, meta.logging_enabled) == ("results", 1024, True)
    topic.delete()
    assert refusal(lambda: topic.publish_message(TopicMessage("x"))).type == "TopicNotExist"


def test_topics_are_listed_in_pages(account: Account) -> None:
    for name in ("a", "b", "c"):
        account.get_topic(name).create(TopicMeta())
    urls, marker = account.list_topic(ret_number=2)
    rest, end = account.list_topic(ret_number=2, marker=marker)
    assert ([url.rpartition("/")[2] for url in urls + rest], end) == (["a", "b", "c"], "")


def test_a_subscription_is_made_described_changed_and_ended(
    service: MessageService, topic: Topic, subscription: Subscription
) -> None:
    """Only the strategy can be changed."""
    assert subscription.subscribe(META) == subscription.subscribe(META)
    other = SubscriptionMeta("http://127.0.0.1:1/x")
    assert refusal(lambda: subscription.subscribe(other)).type == "SubscriptionAlreadyExist"
    subscription.set_attributes(SubscriptionMeta(QUEUE, "EXPONENTIAL_DECAY_RETRY"))
    meta = subscription.get_attributes()
    assert (meta.endpoint, meta.notify_strategy) == (QUEUE, "EXPONENTIAL_DECAY_RETRY")
    assert (meta.notify_content_format, meta.filter_tag) == ("XML", "")
    assert (meta.topic_owner, meta.topic_name) == ("1234567890123456", "results")
    subscription.unsubscribe()
    topic.publish_message(TopicMessage("x"))
    assert received(service) == []
    assert refusal(subscription.get_attributes).type == "SubscriptionNotExist"


def test_subscriptions_are_listed_in_pages(account: Account, topic: Topic) -> None:
    for name in ("a", "b"):
        account.get_subscription("results", name).subscribe(META)
    urls, marker = topic.list_subscription(ret_number=1)
    rest, end = topic.list_subscription(ret_number=1, marker=marker)
    paths = [url.rpartition("/topics/")[2] for url in urls + rest]
    assert (paths, end) == (["results/subscriptions/a", "results/subscriptions/b"], "")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://example.com/x",
        "http://192.0.2.1/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1@example.com/",
        "http://localhost.example.com/",
        "mail:directmail:x@example.com",
        "queues/outcomes",
    ],
)
def test_an_endpoint_off_this_machine_is_refused(subscription: Subscription, endpoint: str) -> None:
    assert refusal(lambda: subscription.subscribe(SubscriptionMeta(endpoint))).type == "EndpointInvalid"


def test_a_simplified_notification_is_the_body_alone(
    service: MessageService, topic: Topic, subscription: Subscription
) -> None:
    subscription.subscribe(SubscriptionMeta(QUEUE, notify_content_format="SIMPLIFIED"))
    sent = topic.publish_message(Base64TopicMessage("hello"))
    assert received(service) == ["aGVsbG8="]
    assert sent.message_body_md5 == "0733351879B2FA9BD05C7CA3061529C0"


def test_a_json_notification_describes_the_message(
    service: MessageService, topic: Topic, subscription: Subscription
) -> None:
    subscription.subscribe(SubscriptionMeta(QUEUE, notify_content_format="JSON"))
    sent = topic.publish_message(TopicMessage("hello", "created"))
    body = json.loads(received(service)[0])
    assert isinstance(body.pop("PublishTime"), int)
    assert body == {
        "TopicOwner": "1234567890123456",
        "TopicName": "results",
        "Subscriber": "1234567890123456",
        "SubscriptionName": "s",
        "MessageId": sent.message_id,
        "Message": "hello",
        "MessageMD5": sent.message_body_md5,
        "MessageTag": "created",
    }


def test_an_xml_notification_describes_the_message(
    service: MessageService, topic: Topic, subscription: Subscription
) -> None:
    subscription.subscribe(META)
    topic.publish_message(TopicMessage("a<b"))
    [body] = received(service)
    assert '<Notification xmlns="http://mns.aliyuncs.com/doc/v1/">' in body
    assert "<Message>a&lt;b</Message>" in body


def test_a_filter_passes_only_its_own_tag(service: MessageService, topic: Topic, subscription: Subscription) -> None:
    subscription.subscribe(SubscriptionMeta(QUEUE, notify_content_format="SIMPLIFIED", filter_tag="failed"))
    topic.publish_message(TopicMessage("1", "failed"))
    topic.publish_message(TopicMessage("2", "created"))
    topic.publish_message(TopicMessage("3"))
    assert received(service) == ["1"]


def test_64_kib_may_be_published_and_not_more(topic: Topic) -> None:
    topic.publish_message(TopicMessage("x" * 65_536))
    assert refusal(lambda: topic.publish_message(TopicMessage("x" * 65_537))).type == "InvalidArgument"
