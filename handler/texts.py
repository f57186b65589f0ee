"""Reads a text as a JSON value: JSON itself, base64 of any alphabet and padding around it, or the XML of an SMQ notification.

A fault in one element does not affect the others: a Flaw takes its place.
"""

import base64
import json
import re
from collections import Counter
from contextlib import suppress
from itertools import pairwise

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
_BEGINNINGS = ("{", "[", '"', "<")
compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Writes a JSON value as the shortest text."""


class Flaw:
    """Stands for a value, or for a part of one, that is not JSON or is ambiguous; `text` has the same flaw when written."""

    __slots__ = ("problem", "text")

    def __init__(self, problem: str, text: str | None = None) -> None:
        self.problem = problem
        self.text = compact(problem) if text is None else text

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
    """Write a JSON value as text, with its flaws."""
    return escape_surrogates(_write(value))


def escape_surrogates(text: str) -> str:
    """Escape half of a surrogate pair as JSON does, since UTF-8 cannot carry it."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def _write(value: object) -> str:
    if isinstance(value, Flaw):
        return value.text
    if find_flaw(value) is None:
        return compact(value)
    if isinstance(value, dict):
        return f"{{{','.join(f'{compact(name)}:{_write(part)}' for name, part in value.items())}}}"
    return f"[{','.join(map(_write, value))}]"  # type: ignore[call-overload]


def decode(body: object, layers: int = MOST_LAYERS, *, is_value: bool = False) -> object:
    """Undo the encodings around a JSON value; a text that `is_value` already may also be meant literally."""
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
    if is_value and (head not in _BEGINNINGS or not layers):
        return text
    value = parse(text)
    return decode(value, layers - 1, is_value=True) if isinstance(value, str) and layers else value


def parse(body: str | bytes, longest: float = LARGEST_TEXT) -> object:
    """Parse JSON. If an array fails as a whole, parse its elements; a final flaw marks an array without an end."""
    text = _text(body) if isinstance(body, bytes) else body
    if isinstance(text, Flaw):
        return text
    if len(text) > longest:
        return Flaw(f"is longer than {longest} characters")
    value = _load(text.lstrip("\ufeff"))
    elements = [_load(element) for element in _split(text)] if isinstance(value, Flaw) else []
    if elements and not isinstance(elements[-1], Flaw) and not text.rstrip().endswith("]"):
        elements.append(Flaw("is not JSON: the array has no end"))
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


def _split(text: str) -> list[str]:
    """Split an array, even one cut off, into the texts of its elements; return [] for anything else."""
    if text.lstrip(_BLANK)[:1] != "[":
        return []
    depth, cuts = 0, list[int]()
    for sign in re.finditer(_SIGN, text):
        depth += (sign[0] in ("[", "{")) - (sign[0] in ("]", "}"))
        if depth == 0 or (depth == 1 and sign[0] in ("[", ",")):
            cuts.append(sign.start())
        if depth == 0 or len(cuts) > MOST_ELEMENTS:
            break
    else:
        cuts.append(len(text))
    is_all = not text[cuts[-1] + 1 :].strip()
    return [text[start + 1 : end] for start, end in pairwise(cuts)] if is_all else []


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        # Nobody knows which of the two was meant, and a module's name can never be changed.
        counts = Counter(name for name, _ in pairs)
        twice = [name for name, times in counts.items() if times > 1]
        fields |= {name: Flaw(f"names the field {name[:64]!r} twice", f"null,{compact(name)}:null") for name in twice}
    return fields


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=lambda digits: (
        int(digits) if len(digits) <= LONGEST_NUMBER else Flaw(f"is not JSON: a number of {len(digits)} digits", digits)
    ),
    parse_constant=lambda name: Flaw(f"is not JSON: {name} is no JSON value", name),
)


def _text(data: bytes | bytearray) -> str | Flaw:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Flaw(f"is not UTF-8{_guess_encoding(data)}")


def _guess_encoding(data: bytes | bytearray) -> str:
    for encoding, name in (("utf-16", "UTF-16"), ("gb18030", "GBK")):
        with suppress(UnicodeDecodeError):
            if data.decode(encoding).lstrip(_BLANK).startswith(_BEGINNINGS):
                return f" (it looks like {name})"
    return ""


def _decode_base64(text: str) -> bytes | None:
    """Decode base64 of any alphabet, padded or not, in lines or not; None if the text is probably not base64."""
    packed = "".join(text.split())
    bare = packed.rstrip("=")
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    # Many plain words can be decoded too, but rarely to readable text.
    inside = data.decode("utf-8", "surrogateescape").lstrip(_BLANK)
    is_meant = re.search("[+/=]", packed) or inside.startswith(_BEGINNINGS) or "".join(inside.split()).isprintable()
    return data if data and is_meant else None


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
