"""SMQ's XML, in and out; no white space between elements, since the official SDK reads first children as text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from emulator.smq.errors import InvalidArgument, MalformedXML
from emulator.smq.messages import Draft, Message, Properties, Property

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
# UserProperties of a message of a batch go deepest: Messages, Message, UserProperties, PropertyValue, Name.
_DEEPEST = 8
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True)
class Node:
    """An element to write: its text, or its children."""

    name: str
    content: "str | int | list[Node]"

    def written(self, namespace: str = "") -> str:
        start = f"{self.name} xmlns={quoteattr(namespace)}" if namespace else self.name
        return f"<{start}>{self._inside()}</{self.name}>"

    def _inside(self) -> str:
        if isinstance(self.content, list):
            return "".join(child.written() for child in self.content)
        # A parser would read a bare carriage return as a line feed.
        return escape(str(self.content), {"\r": "&#13;"})


def document(root: Node) -> bytes:
    """A whole answer."""
    return (_DECLARATION + root.written(NAMESPACE)).encode()


def nodes(values: Iterable[tuple[str, str | int]]) -> list[Node]:
    """Elements of text."""
    return [Node(name, value) for name, value in values]


@dataclass(frozen=True)
class Given:
    """An element as it came."""

    name: str
    text: str
    children: "tuple[Given, ...]"

    def find(self, name: str) -> "Given | None":
        return next((child for child in self.children if child.name == name), None)

    def get(self, name: str, default: str = "") -> str:
        child = self.find(name)
        return default if child is None else child.text

    def number(self, name: str) -> int | None:
        """The whole number in a child, None where there is no such child. Raises: InvalidArgument."""
        text = self.get(name).strip()
        if self.find(name) is None:
            return None
        if not text.isascii() or not text.isdecimal() or len(text) > 18:
            raise InvalidArgument(f"The value of {name} is not a number.")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """True or False as the child says, None where there is no such child. Raises: InvalidArgument."""
        if self.find(name) is None:
            return None
        text = self.get(name).strip().lower()
        if text not in ("true", "false"):
            raise InvalidArgument(f"The value of {name} is neither True nor False.")
        return text == "true"


def read(body: bytes, *roots: str) -> Given:
    """What a request holds; its root has to be one of the names.

    Raises: MalformedXML, InvalidArgument.
    """
    try:
        root = _given(fromstring(body, forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError):
        raise MalformedXML("The XML you provided was not well-formed.") from None
    if root.name not in roots:
        raise InvalidArgument(
            f"The XML you provided did not validate against our published schema, cause by {root.name}."
        )
    return root


def draft(message: Given) -> Draft:
    """Raises: InvalidArgument."""
    priority = message.number("Priority")
    return Draft(
        body=message.get("MessageBody"),
        delay=message.number("DelaySeconds"),
        priority=8 if priority is None else priority,
        properties=properties(message),
    )


def properties(message: Given) -> Properties:
    return Properties(
        user=_properties(message.find("UserProperties")),
        system=_properties(message.find("SystemProperties")),
        group=message.get("MessageGroupId"),
    )


def sent(message: Message) -> Node:
    """What a sender is told."""
    group = [("MessageGroupId", message.properties.group)] if message.properties.group else []
    return Node("Message", nodes([("MessageId", message.id), ("MessageBodyMD5", message.md5), *group]))


def received(message: Message) -> Node:
    """What a receiver gets."""
    own = nodes([("ReceiptHandle", message.handle), ("NextVisibleTime", message.next_visible)])
    return Node("Message", [*_message(message), *own])


def peeked(message: Message) -> Node:
    """What a passer-by sees."""
    return Node("Message", _message(message))


def _message(message: Message) -> list[Node]:
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
    return [*nodes(plain), *(Node(name, _written(item, values)) for name, item, values in kinds if values)]


def _written(item: str, values: tuple[Property, ...]) -> list[Node]:
    return [Node(item, nodes([("Name", one.name), ("Value", one.value), ("Type", one.type)])) for one in values]


def _properties(holder: Given | None) -> tuple[Property, ...]:
    if holder is None:
        return ()
    return tuple(Property(one.get("Name"), one.get("Value"), one.get("Type", "STRING")) for one in holder.children)


def _given(element: "Element", depth: int = 0) -> Given:
    if depth > _DEEPEST:
        raise ValueError("too deep")
    return Given(
        name=element.tag.rpartition("}")[2],
        text=element.text or "",
        children=tuple(_given(child, depth + 1) for child in element),
    )
