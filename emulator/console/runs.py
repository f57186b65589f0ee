"""Runs of `ota-modules send`: the Ids of a run's requests begin alike."""

import re
from collections import Counter
from dataclasses import dataclass, field

KEPT = 50
_ID = re.compile(r"([0-9a-f]{8})-\d{1,9}")


@dataclass
class _Run:
    began: float
    statuses: dict[str, str | None] = field(default_factory=dict)
    """The latest status of each request; None before its first outcome. A replay changes it."""


class Runs:
    """The latest runs."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def note(self, request: str, moment: float, status: str | None = None) -> None:
        """Note that a queue accepted a request, or the status of its outcome."""
        match = _ID.fullmatch(request)
        if match is None:
            return
        if match[1] not in self._runs:
            self._runs[match[1]] = _Run(moment)
            if len(self._runs) > KEPT:
                del self._runs[next(iter(self._runs))]
        statuses = self._runs[match[1]].statuses
        statuses[request] = status or statuses.get(request)

    def as_json(self, shift: float) -> list[dict[str, object]]:
        """Describe the runs for the page, the latest first; `shift` makes monotonic seconds unix ones."""
        described: list[dict[str, object]] = []
        for name, run in reversed(self._runs.items()):
            counts = Counter(status for status in run.statuses.values() if status)
            figures = {"sent": len(run.statuses), "answered": counts.total(), "statuses": counts}
            described.append({"run": name, "began": round(run.began + shift, 3), **figures})
        return described
