"""A file's bytes as text, in the encodings in which spreadsheets and editors save them."""

import codecs
from collections.abc import Sequence

from cli.errors import UsageError

_MARKS: Sequence[tuple[bytes, str]] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
END_OF_FILE = "\x1a"
"""Ctrl-Z, with which DOS programs end a text."""


def decode(name: str, raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Return a file's text and its encoding: the one asked for, the mark's at its beginning, UTF-8, UTF-16 or GB18030.

    One or two characters in GB18030 can be valid UTF-8; more hardly ever are.
    Raises: UsageError: it is in none of them; or the encoding that was asked for does not exist or does not fit.
    """
    for mark, known in _MARKS:
        if raw.startswith(mark) and encoding is None:
            return _clean(_decoded(name, raw[len(mark) :], known)), known
    if encoding is not None:
        return _clean(_decoded(name, raw, encoding).removeprefix("\ufeff")), codecs.lookup(encoding).name
    for known in _likely(raw):
        try:
            return _clean(raw.decode(known)), known
        except UnicodeDecodeError:
            continue
    raise UsageError(f"{name}: is in none of UTF-8, UTF-16 and GB18030; --encoding names another")


def _likely(raw: bytes) -> Sequence[str]:
    head = raw[:4096]
    if head.count(0) * 4 > len(head):  # every other byte of Latin text in UTF-16 is zero
        return ("utf-16-le", "utf-16-be") if head[1::2].count(0) >= head[::2].count(0) else ("utf-16-be", "utf-16-le")
    return ("utf-8", "gb18030")


def _decoded(name: str, raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except LookupError:
        raise UsageError(f"--encoding: there is no encoding {encoding!r}") from None
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = raw.count(b"\n", 0, start) + 1
        raise UsageError(f"{name}:{line}: is not {encoding}") from None


def _clean(text: str) -> str:
    return text.rstrip(END_OF_FILE) if text.endswith(END_OF_FILE) else text
