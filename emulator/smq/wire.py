"""SMQ's XML, in and out; no white space between elements, since the official SDK reads first children as text."""

import re
from collections.abc import Iterable
from typing import Any

from lxml import etree

from emulator.smq.errors import BadRequest, InvalidArgument
from emulator.smq.messages import NOT_XML, Draft, Message, Properties, Property

Element = etree._Element  # noqa: SLF001 - lxml has no other name for it
NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
_NAMESPACES: Any = {None: NAMESPACE}
_NUMBER = re.compile(r"[0-9]{1,18}")


def element(name: str, *content: str | int | Element) -> Element:
    """Make an element of text, or of children."""
    made = etree.Element(f"{{{NAMESPACE}}}{name}", nsmap=_NAMESPACES)
    for item in content:
        if isinstance(item, str | int):
            made.text = NOT_XML.sub("\ufffd", str(item))
        else:
            made.append(item)
    return made


def elements(values: Iterable[tuple[str, str | int]]) -> list[Element]:
    """Make an element of text for each pair of a name and a value."""
    return [element(name, value) for name, value in values]


def document(root: Element) -> bytes:
    """Write an answer; a bare carriage return is escaped, so that it is still one when it is read."""
    return _DECLARATION + etree.tostring(root, encoding="utf-8")


def read(body: bytes, *roots: str) -> Element:
    """Read a request's body, whose root is one of these; elements have their names without a namespace.

    Raises: BadRequest, InvalidArgument.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or root.getroottree().docinfo.internalDTD is not None:
        raise BadRequest("The XML you provided was not well-formed.", "MalformedXML")
    for each in root.iter():
        each.tag = etree.QName(each).localname
    if root.tag not in roots:
        raise InvalidArgument(
            f"The XML you provided did not validate against our published schema, cause by {root.tag}."
        )
    return root


def number(parent: Element, name: str) -> int | None:
    """Return the whole number in a child; None where there is no such child. Raises: InvalidArgument."""
    text = parent.findtext(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text.strip()):
        raise InvalidArgument(f"The value of {name} is not a number.")
    return int(text)


def flag(parent: Element, name: str) -> bool | None:
    """Return True or False as the child says; None where there is no such child. Raises: InvalidArgument."""
    text = parent.findtext(name)
    if text is None:
        return None
    if text.strip().lower() not in ("true", "false"):
        raise InvalidArgument(f"The value of {name} is neither True nor False.")
    return text.strip().lower() == "true"


def draft(message: Element) -> Draft:
    """Read a message to send. Raises: InvalidArgument."""
    priority = number(message, "Priority")
    return Draft(
        body=message.findtext("MessageBody", ""),
        delay=number(message, "DelaySeconds"),
        priority=8 if priority is None else priority,
        properties=properties(message),
    )


def properties(message: Element) -> Properties:
    """Read what a message carries beside its body."""
    return Properties(
        user=_read_properties(message.find("UserProperties")),
        system=_read_properties(message.find("SystemProperties")),
        group=message.findtext("MessageGroupId", ""),
    )


def sent(message: Message) -> Element:
    """The answer to a sender."""
    group = elements([("MessageGroupId", message.properties.group)]) if message.properties.group else []
    return element("Message", *elements([("MessageId", message.id), ("MessageBodyMD5", message.md5)]), *group)


def received(message: Message) -> Element:
    """A message as its receiver gets it."""
    own = elements([("ReceiptHandle", message.handle), ("NextVisibleTime", message.next_visible)])
    return element("Message", *_message(message), *own)


def peeked(message: Message) -> Element:
    """A message as a peek shows it."""
    return element("Message", *_message(message))


def _message(message: Message) -> list[Element]:
    group = [("MessageGroupId", message.properties.group)] if message.properties.group else []
    plain: list[tuple[str, str | int]] = [
        ("MessageId", message.id),
        ("MessageBodyMD5", message.md5),
        ("MessageBody", message.body),
        ("EnqueueTime", message.enqueued),
        ("FirstDequeueTime", message.first_dequeued),
        ("DequeueCount", message.dequeue_count),
        ("Priority", message.priority),
        *group,
    ]
    kinds = (
        ("UserProperties", "PropertyValue", message.properties.user),
        ("SystemProperties", "SystemPropertyValue", message.properties.system),
    )
    return [
        *elements(plain),
        *(element(name, *_write_properties(item, values)) for name, item, values in kinds if values),
    ]


def _write_properties(item: str, values: tuple[Property, ...]) -> list[Element]:
    return [
        element(item, *elements([("Name", value.name), ("Value", value.value), ("Type", value.type)]))
        for value in values
    ]


def _read_properties(holder: Element | None) -> tuple[Property, ...]:
    return tuple(
        Property(child.findtext("Name", ""), child.findtext("Value", ""), child.findtext("Type", "STRING"))
        for child in (() if holder is None else holder)
    )
