"""Moments as people write them."""

import re
from datetime import datetime, timezone

from cli.errors import UsageError

_AGO = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def moment(text: str, now: float) -> float:
    """Unix seconds of `10m` (ago) or of an ISO 8601 time, UTC where it names no zone. Raises: UsageError."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _SECONDS[ago[2]]
    # Python 3.10 does not know the Z of the times that outcomes carry.
    iso = text[:-1] + "+00:00" if text.endswith("Z") else text
    try:
        read = datetime.fromisoformat(iso)
    except ValueError:
        raise UsageError(f"{text!r} is neither like 10m nor like 2026-01-31T08:00:00Z") from None
    return (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp()
