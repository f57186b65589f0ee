"""Parses timestamps of the API and the platform's services, in every format that was seen."""

from contextlib import suppress
from datetime import datetime, timezone

LONGEST = 40
_UNITS = {10: 1, 13: 1000}
"""By the number of digits: seconds, and milliseconds."""


def unix_seconds(moment: object) -> float | None:
    """Convert a timestamp to unix seconds; None if absent or of unknown format.

    Seen were "Wed, 20-Feb-2019 02:16:09 GMT" and "2020-10-13T09:46Z", and for products and messages milliseconds. Without a
    zone it is GMT: the field is called GmtCreate.
    """
    text = "" if moment is None else str(moment)[:LONGEST]
    if text.isascii() and text.isdigit():
        unit = _UNITS.get(len(text))
        return unit and int(text) / unit
    for read in (datetime.fromisoformat, _read_rfc_2822):
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            found = read(text.replace("Z", "+00:00"))
            return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
    return None


def _read_rfc_2822(text: str) -> datetime:
    from email.utils import parsedate_to_datetime  # slow to import, and a create call does not need it

    return parsedate_to_datetime(text)
