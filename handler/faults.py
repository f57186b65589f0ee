"""Logs faults of the function's own."""

import traceback
from pathlib import PurePath

from handler.log import Log


def log_fault(log: Log, error: Exception, **fields: object) -> None:
    """Write its type, its text, and the line of code that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    log.error("internal_error", error=type(error).__name__, text=error, at=place, **fields)
