"""Writes a topic's message for a subscriber (SMQ, "HttpEndpoint"; Function Compute, "SMQ topic triggers")."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from emulator.smq.messages import Properties, body_md5
from emulator.smq.topics import Subscription
from emulator.smq.wire import NAMESPACE
from emulator.xml import document


@dataclass(frozen=True)
class Publication:
    """A message published to a topic; `published` in unix milliseconds."""

    id: str
    topic: str
    body: str
    published: int
    tag: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    properties: Properties = field(default_factory=Properties)


def write_notification(publication: Publication, subscription: Subscription, account: str) -> str:
    """Write a publication in the format that the subscriber asked for."""
    if subscription.notify_format == "XML":
        return document("Notification", _describe(publication, subscription, account), NAMESPACE).decode()
    if subscription.notify_format == "JSON":
        values = {**_describe(publication, subscription, account), **publication.attributes}
        return json.dumps(values, ensure_ascii=False)
    if subscription.notify_format == "STREAM" and publication.attributes:
        return json.dumps({"body": publication.body, "attrs": publication.attributes}, ensure_ascii=False)
    return publication.body


def build_headers(publication: Publication, subscription: Subscription, account: str) -> dict[str, str]:
    """Return the headers of a POST to an HTTP subscriber.

    Authorization and the certificate's address are left out: no authority on this machine could vouch for them.
    """
    kind = "text/xml" if subscription.notify_format == "XML" else "text/plain"
    tag = {"x-mns-message-tag": publication.tag} if publication.tag else {}
    return {
        "Content-Type": f"{kind};charset=utf-8",
        "Date": formatdate(publication.published / 1000, usegmt=True),
        "User-Agent": "Aliyun Notification Service Agent",
        "x-mns-message-id": publication.id,
        "x-mns-publish-time": str(publication.published),
        "x-mns-request-id": secrets.token_hex(12).upper(),
        "x-mns-subscriber": account,
        "x-mns-subscription-name": subscription.name,
        "x-mns-topic-name": publication.topic,
        "x-mns-topic-owner": account,
        "x-mns-version": "2015-06-06",
        **tag,
    }


def _describe(publication: Publication, subscription: Subscription, account: str) -> dict[str, str | int]:
    tag = {"MessageTag": publication.tag} if publication.tag else {}
    return {
        "TopicOwner": account,
        "TopicName": publication.topic,
        "Subscriber": account,
        "SubscriptionName": subscription.name,
        "MessageId": publication.id,
        "Message": publication.body,
        "MessageMD5": body_md5(publication.body),
        **tag,
        "PublishTime": publication.published,
    }
