"""Writes XML answers from plain values."""

import re
from collections.abc import Mapping

from lxml import etree

UNFIT = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry, even escaped."""
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'


def document(root: str, content: object, namespace: str | None = None) -> bytes:
    """Write a document: a mapping becomes child elements, a list repeats its element, and None is left out.

    There is no white space between elements, since SMQ's official SDK reads first children as text. A bare carriage return
    is escaped, so that it is still one when it is read.
    """
    prefix = f"{{{namespace}}}" if namespace else ""
    # lxml takes None as the prefix of the default namespace; its annotations do not.
    element = etree.Element(prefix + root, nsmap={None: namespace} if namespace else None)  # type: ignore[dict-item]
    _fill(element, content, prefix)
    return _DECLARATION + etree.tostring(element, encoding="utf-8")


def _fill(element: etree._Element, value: object, prefix: str) -> None:
    if not isinstance(value, Mapping):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        element.text = UNFIT.sub("\ufffd", text)
        return
    for name, inner in value.items():
        for item in inner if isinstance(inner, list) else [inner]:
            if item is not None:
                _fill(etree.SubElement(element, prefix + name), item, prefix)
