"""SMQ's XML: reads requests, and describes messages for answers (written by `emulator.xml`)."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lxml import etree

from emulator.smq.errors import InvalidArgument, SmqError
from emulator.smq.messages import Draft, Message, Properties, Property

Element = etree._Element  # noqa: SLF001 - lxml has no other name for it
Content = Mapping[str, Any]
NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
_NUMBER = re.compile(r"[0-9]{1,18}")


def read(body: bytes, *roots: str) -> Element:
    """Read a request's body, whose root is one of `roots`; elements have their names without a namespace.

    Raises: SmqError.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise SmqError(400, "MalformedXML", "The XML you provided was not well-formed.")
    for element in root.iter():
        element.tag = etree.QName(element).localname
    if root.tag not in roots:
        raise InvalidArgument(
            f"The XML you provided did not validate against our published schema, cause by {root.tag}."
        )
    return root


def number(parent: Element, name: str) -> int | None:
    """Return the whole number in a child; None where there is no such child. Raises: InvalidArgument."""
    text = parent.findtext(name)
    if text is not None and not _NUMBER.fullmatch(text.strip()):
        raise InvalidArgument(f"The value of {name} is not a number.")
    return None if text is None else int(text)


def flag(parent: Element, name: str) -> bool | None:
    """Return the boolean in a child; None where there is no such child. Raises: InvalidArgument."""
    text = parent.findtext(name)
    if text is not None and text.strip().lower() not in ("true", "false"):
        raise InvalidArgument(f"The value of {name} is neither True nor False.")
    return None if text is None else text.strip().lower() == "true"


def read_draft(message: Element) -> Draft:
    """Read a message to send. Raises: InvalidArgument."""
    priority = number(message, "Priority")
    return Draft(
        body=message.findtext("MessageBody", ""),
        delay=number(message, "DelaySeconds"),
        priority=8 if priority is None else priority,
        properties=read_properties(message),
    )


def read_properties(message: Element) -> Properties:
    """Read the properties and the group of a message."""
    user, system = (
        tuple(
            Property(item.findtext("Name", ""), item.findtext("Value", ""), item.findtext("Type", "STRING"))
            for item in message.iterfind(f"{name}/*")
        )
        for name in ("UserProperties", "SystemProperties")
    )
    return Properties(user, system, message.findtext("MessageGroupId", ""))


def describe_sent(message: Message) -> Content:
    """Describe a message to its sender."""
    content = {"MessageId": message.id, "MessageBodyMD5": message.md5}
    return {**content, "MessageGroupId": message.properties.group or None}


def describe_peeked(message: Message) -> Content:
    """Describe a message that stays visible."""
    return {
        "MessageId": message.id,
        "MessageBodyMD5": message.md5,
        "MessageBody": message.body,
        "EnqueueTime": message.enqueued,
        "FirstDequeueTime": message.first_dequeued,
        "DequeueCount": message.dequeue_count,
        "Priority": message.priority,
        "MessageGroupId": message.properties.group or None,
        "UserProperties": _describe_properties("PropertyValue", message.properties.user),
        "SystemProperties": _describe_properties("SystemPropertyValue", message.properties.system),
    }


def describe_received(message: Message) -> Content:
    """Describe a message to its receiver."""
    return {**describe_peeked(message), "ReceiptHandle": message.handle, "NextVisibleTime": message.next_visible}


def _describe_properties(item: str, properties: tuple[Property, ...]) -> Content | None:
    if not properties:
        return None
    return {item: [{name.title(): value for name, value in asdict(property_).items()} for property_ in properties]}
