"""A file's bytes as text, in the encodings in which spreadsheets and editors save them."""

import codecs
from collections.abc import Sequence

from cli.errors import UsageError

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
END_OF_FILE = "\x1a"
"""Ctrl-Z, with which DOS programs end a text."""


def decode(name: str, raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Return a file's text and its encoding: the one asked for, the mark's at its beginning, UTF-8, UTF-16 or GB18030.

    One or two characters in GB18030 can be valid UTF-8; more hardly ever are.
    Raises: UsageError: it is in none of them; or the encoding that was asked for does not exist or does not fit.
    """
    possible = [encoding] if encoding is not None else _guess(raw)
    for known in possible:
        try:
            return raw.decode(known).removeprefix("\ufeff").rstrip(END_OF_FILE), known
        except LookupError:
            raise UsageError(f"--encoding: there is no encoding {known!r}") from None
        except UnicodeError as error:
            line = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
    if len(possible) == 1:
        raise UsageError(f"{name}:{line}: is not {possible[0]}")
    raise UsageError(f"{name}: is in none of UTF-8, UTF-16 and GB18030; --encoding names another")


def _guess(raw: bytes) -> Sequence[str]:
    """Return the encodings to try, the likeliest first."""
    marked = [known for mark, known in _MARKS.items() if raw.startswith(mark)]
    head = raw[:4096]
    if marked or head.count(0) * 4 <= len(head):
        return marked[:1] or ("utf-8", "gb18030")
    # Every other byte of Latin text in UTF-16 is zero.
    return ("utf-16-le", "utf-16-be") if head[1::2].count(0) >= head[::2].count(0) else ("utf-16-be", "utf-16-le")
