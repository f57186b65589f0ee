"""The functions' log lines, kept for the requests that they are about."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT = 20_000
"""Lines that are remembered."""
MOST = 100
"""Lines that are shown of a request."""
_HEAD = ("time", "level", "event", "version", "request_id", "id")


@dataclass(frozen=True)
class LogLine:
    """A line of a function's log; `invocation` wrote it, and it is about `request`, or about the whole invocation."""

    function: str
    invocation: str
    request: str | None
    entry: Mapping[str, Any]

    def shown(self) -> dict[str, object]:
        fields = {name: value for name, value in self.entry.items() if name not in _HEAD}
        return {
            "at": _unix_seconds(self.entry.get("time")), "level": self.entry.get("level"),
            "event": self.entry.get("event"), "function": self.function, "fields": fields,
        }  # fmt: skip


class Logs:
    """The latest lines."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT)

    def add(self, function: str, entry: Mapping[str, Any]) -> None:
        request = entry.get("id")
        name = request if isinstance(request, str) else None
        self._lines.append(LogLine(function, str(entry.get("request_id")), name, entry))

    def of(self, request: str, invocations: Iterable[str]) -> list[dict[str, object]]:
        """Return the latest lines about a request, and about the invocations that worked on it, in their order."""
        known = set(invocations)
        lines = [
            line.shown()
            for line in self._lines
            if line.request == request or (line.request is None and line.invocation in known)
        ]
        return lines[-MOST:]


def _unix_seconds(time: object) -> float | None:
    try:
        return datetime.fromisoformat(str(time).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
