"""Reads a text as a JSON value: JSON itself, base64 of any alphabet and padding around it, or the XML of an SMQ notification.

The fault of one element is that element's alone: a Flaw stands in its place.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

LARGEST_TEXT = 1024 * 1024
"""Characters of a text; SMQ takes 64 KiB, HTTP is bounded to 1 MiB."""
MOST_LAYERS = 4
"""Encodings around one value: base64, and JSON texts in JSON texts."""
MOST_ELEMENTS = 10_000
"""Elements of an array that is read one by one; a stream delivers no more messages together."""
LONGEST_NUMBER = 1_000

# A quoted text is one token, so that the brackets in it do not count.
_SIGN = r'(?s)"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},]'
_BLANK = "\ufeff \t\r\n"
_STANDARD = str.maketrans("-_", "+/")
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Flaw:
    """Stands for a value, or for a part of one, that is not JSON or not clear; `text` has the same flaw when it is written."""

    __slots__ = ("problem", "text")

    def __init__(self, problem: str, text: str = "null") -> None:
        self.problem = problem
        self.text = text

    def __repr__(self) -> str:
        return self.problem


def find_flaw(value: object) -> Flaw | None:
    """Find a flaw anywhere in a JSON value."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Flaw):
            return part
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return None


def write(value: object) -> str:
    """Write a JSON value as text, with the flaws that are in it."""
    return carriable(_written(value))


def carriable(text: str) -> str:
    """A text that UTF-8 can carry: a half of a surrogate pair in it becomes JSON's escape, which is read as the same."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def _written(value: object) -> str:
    if isinstance(value, Flaw):
        return value.text
    if find_flaw(value) is None:
        return _write(value)
    if isinstance(value, dict):
        return f"{{{','.join(f'{_write(name)}:{_written(part)}' for name, part in value.items())}}}"
    return f"[{','.join(map(_written, value))}]"  # type: ignore[call-overload]


def decode(body: object, layers: int = MOST_LAYERS, *, is_value: bool = False) -> object:
    """Undo the encodings around a JSON value; a text that `is_value` already may also be meant as it stands."""
    text = _text(body) if isinstance(body, bytes | bytearray) else body
    if not isinstance(text, str):
        return text
    head = text.lstrip(_BLANK)[:1]
    if head == "<":
        return _parse_notification(text)
    data = None if head in ("{", "[") or not layers else _decode_base64(text)
    if data is not None:
        value = decode(data, layers - 1)
        return Flaw(f"is base64 of something that {value}") if isinstance(value, Flaw) else value
    if is_value and (head not in ("{", "[", '"') or not layers):
        return text
    value = parse(text)
    return decode(value, layers - 1, is_value=True) if isinstance(value, str) and layers else value


def parse(body: str | bytes, longest: float = LARGEST_TEXT) -> object:
    """Parse JSON; an array that cannot be parsed whole, element by element."""
    text = _text(body) if isinstance(body, bytes) else body
    if isinstance(text, Flaw):
        return text
    if len(text) > longest:
        return Flaw(f"is longer than {longest} characters")
    value = _load(text.lstrip("\ufeff"))
    if not isinstance(value, Flaw):
        return value
    elements = [_load(element) for element in _split(text)]
    return value if all(isinstance(element, Flaw) for element in elements) else elements


def _load(text: str) -> object:
    if not text.strip():
        return Flaw("is empty")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return Flaw(f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}", text)
    except RecursionError:
        return Flaw("is nested too deeply", text)


def _split(text: str) -> Sequence[str]:
    """Split an array into the texts of its elements, also where it is cut off; anything else has none."""
    depth, start, parts = 0, 0, list[str]()
    if text.lstrip()[:1] != "[":
        return ()
    for token in re.finditer(_SIGN, text):
        sign = token[0]
        if depth == 1 and sign in (",", "]"):
            parts.append(text[start : token.start()])
        depth += (sign in ("[", "{")) - (sign in ("]", "}"))
        if depth == 1 and sign in ("[", ","):
            start = token.end()
        if depth == 0 or len(parts) > MOST_ELEMENTS:
            return () if depth or text[token.end() :].strip() else parts
    return [*parts, text[start:]]


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Nobody knows which of the two was meant, and a module's name can never be changed.
        counts = Counter(name for name, _ in pairs)
        twice = [name for name, times in counts.items() if times > 1]
        found |= {name: Flaw(f"names the field {name[:64]!r} twice", f"null,{_write(name)}:null") for name in twice}
    return found


def _integer(digits: str) -> object:
    if len(digits) <= LONGEST_NUMBER:
        return int(digits)
    return Flaw(f"is not JSON: a number of {len(digits)} digits", digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_constant=lambda name: Flaw(f"is not JSON: {name} is no JSON value", name),
)


def _text(data: bytes | bytearray) -> str | Flaw:
    try:
        return data.decode()
    except UnicodeDecodeError:
        encoding = _guess_encoding(data)
        return Flaw(f"is not UTF-8 (it looks like {encoding})" if encoding else "is not UTF-8")


def _guess_encoding(data: bytes | bytearray) -> str | None:
    """The encoding in which data looks like one of the texts that are read here."""
    for encoding, name in (("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("gb18030", "GBK")):
        with suppress(UnicodeDecodeError):
            if data.decode(encoding).lstrip(_BLANK)[:1] in ("{", "[", '"', "<"):
                return name
    return None


def _decode_base64(text: str) -> bytes | None:
    """Decode base64 of any alphabet, padded or not, in lines or not; None where the text is hardly meant as base64."""
    packed = "".join(text.split())
    bare = packed.rstrip("=")
    if not re.fullmatch("[A-Za-z0-9+/_-]+", bare):
        return None
    try:
        data = base64.b64decode(bare.translate(_STANDARD) + "=" * (-len(bare) % 4))
    except binascii.Error:
        return None
    # Many a plain word can be decoded too, but hardly ever to something that can be read.
    is_plain = "".join(data.decode("utf-8", "replace").split()).replace("\ufffd", "\0").isprintable()
    return data if set(packed) & set("+/=") or is_plain or _guess_encoding(data) else None


def _parse_notification(text: str) -> object:
    """Read the XML form of a topic's notification as its JSON form."""
    if re.search(r"<!(?!\[CDATA\[|--)", text):
        return Flaw("is XML with a document type, which is not read")
    from xml.etree import ElementTree  # here, so that a new instance does not wait for it

    try:
        root = ElementTree.fromstring(text.strip(_BLANK))  # noqa: S314 - without a document type it cannot grow
    except (ElementTree.ParseError, ValueError) as error:
        return Flaw(f"is XML that cannot be read: {error}")
    if root.tag.rpartition("}")[2] not in ("Notification", "Message"):
        return Flaw("is XML, but no notification of a topic")
    return _object([(child.tag.rpartition("}")[2], "".join(child.itertext())) for child in root])
