"""Moments and durations as people write them, and as they read them."""

import re
from datetime import datetime
from typing import Any

import typer

from cli.errors import UsageError

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: object) -> float:
    """Return the seconds of `30s`, `10m`, `2h`, `1d` or a plain number of seconds. Raises: UsageError."""
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise UsageError(f"{text!r} is not a duration such as 30s, 10m or 2h")
    return float(found[1]) * _SECONDS[found[2]]


def duration_option(*names: str, help: str) -> Any:  # noqa: A002, ANN401 - as typer has them
    """Return an option whose value is a duration: `30s`, `10m`, `2h`, `1d`, or seconds."""
    return typer.Option(*names, parser=duration, metavar="DURATION", help=help)


def moment(text: str, now: float) -> float:
    """Return the unix seconds of `10m` (ago) or of an ISO 8601 time, local where it names no zone. Raises: UsageError."""
    ago = _DURATION.fullmatch(text)
    if ago and ago[2]:
        return now - duration(text)
    try:
        return _iso(text).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is neither like 10m nor like 2026-01-31T08:00") from None


def local_time(text: str) -> str:
    """Return an ISO 8601 time as this machine's clock shows it, with its offset; anything else as it is."""
    try:
        return _iso(text).astimezone().isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError):
        return text


def _iso(text: str) -> datetime:
    # Python 3.10 does not know the Z of the times that outcomes carry.
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
