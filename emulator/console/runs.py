"""Runs of `ota-modules send`: the requests of one have Ids that begin alike."""

import re
from collections import Counter
from dataclasses import dataclass, field

KEPT = 50
_ID = re.compile(r"([0-9a-f]{8})-\d{1,9}")


def run_of(request: str) -> str | None:
    """Return the run that a request's Id names; None where it names none."""
    found = _ID.fullmatch(request)
    return found[1] if found else None


@dataclass
class Run:
    """One run, as far as it was seen."""

    name: str
    began: float
    sent: int = 0
    answered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """The latest outcomes of its requests: a replay changes one."""
    _latest: dict[str, str] = field(default_factory=dict, repr=False)
    _sent: set[str] = field(default_factory=set, repr=False)

    def send(self, request: str) -> None:
        self._sent.add(request)
        self.sent = len(self._sent)

    def answer(self, request: str, status: str) -> None:
        self.send(request)
        before = self._latest.get(request)
        if before is not None:
            self.statuses[before] -= 1
        self._latest[request] = status
        self.statuses[status] += 1
        self.answered = len(self._latest)


class Runs:
    """The latest runs."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def send(self, request: str, moment: float) -> None:
        """Note that a queue took a request."""
        if run := self._find(request, moment):
            run.send(request)

    def answer(self, request: str, status: str, moment: float) -> None:
        """Note the outcome of a request."""
        if run := self._find(request, moment):
            run.answer(request, status)

    def _find(self, request: str, moment: float) -> Run | None:
        name = run_of(request)
        if name is None:
            return None
        if name not in self._runs:
            self._runs[name] = Run(name, moment)
            if len(self._runs) > KEPT:
                del self._runs[next(iter(self._runs))]
        return self._runs[name]

    def shown(self, shift: float) -> list[dict[str, object]]:
        """Describe the runs for the page, the latest first."""
        return [
            {
                "run": run.name, "began": round(run.began + shift, 3), "sent": run.sent, "answered": run.answered,
                "statuses": {name: count for name, count in run.statuses.items() if count},
            }
            for run in reversed(self._runs.values())
        ]  # fmt: skip
