"""Keeps the functions' log lines for the requests that they are about."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

KEPT = 20_000
"""Lines of all functions."""
LONGEST = 100
"""Lines of a request."""
_HEAD = ("time", "level", "event", "version", "request_id", "id")


class Logs:
    """The latest lines of all functions, each with the name of its function."""

    def __init__(self) -> None:
        self._lines: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=KEPT)

    def add(self, function: str, entry: Mapping[str, Any]) -> None:
        self._lines.append((function, entry))

    def find_lines(self, request: str, invocations: Iterable[str]) -> list[dict[str, object]]:
        """Return the latest lines about a request, and about the invocations that worked on it as a whole, in their order."""
        known = set(invocations)
        lines = [
            _as_json(function, entry)
            for function, entry in self._lines
            if entry.get("id") == request or ("id" not in entry and str(entry.get("request_id")) in known)
        ]
        return lines[-LONGEST:]


def _as_json(function: str, entry: Mapping[str, Any]) -> dict[str, object]:
    return {
        "at": _unix_seconds(entry.get("time")), "level": entry.get("level"), "event": entry.get("event"), "function": function,
        "fields": {name: value for name, value in entry.items() if name not in _HEAD},
    }  # fmt: skip


def _unix_seconds(time: object) -> float | None:
    try:
        return datetime.fromisoformat(str(time).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
