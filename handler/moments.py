"""Reads the moments that the API writes, in any of the formats in which it has been seen to write them."""

import re
from datetime import datetime, timezone

_SECONDS, _MILLISECONDS = 10, 13
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)? ?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_DASHES = re.compile(r"(?<=\d)-(?=[A-Za-z])|(?<=[A-Za-z])-(?=\d)")


def unix_seconds(text: str) -> float | None:
    """A moment as unix seconds; None where the format is not known.

    Seen were "Wed, 20-Feb-2019 02:16:09 GMT" and "2020-10-13T09:46Z", and for products milliseconds. What names no zone is GMT:
    the field is called GmtCreate.
    """
    if text.isascii() and text.isdigit() and len(text) in (_SECONDS, _MILLISECONDS):
        return int(text) / (1 if len(text) == _SECONDS else 1000)
    from email.utils import parsedate_to_datetime  # a call that creates reads no moment, and need not wait for it

    try:
        moment: datetime = _iso(text) or parsedate_to_datetime(_DASHES.sub(" ", text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _iso(text: str) -> datetime | None:
    """`datetime.fromisoformat`, which in Python 3.10 reads neither "Z" nor an offset without a colon."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, minute, second, zone = found.groups()
    return datetime.strptime(f"{day} {minute}{second or ':00'} {zone or 'Z'}", "%Y-%m-%d %H:%M:%S %z")
