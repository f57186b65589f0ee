"""The line at the top of the page: does it work, and when will it be done?"""

from collections.abc import Iterable
from itertools import takewhile

from emulator.cloud import Cloud
from emulator.console.journal import Journal
from emulator.console.rates import RECENT, Rates


class Health:
    """Sums up the queues, the outcomes of the last seconds and the calls. `shift` makes monotonic seconds unix ones."""

    def __init__(self, cloud: Cloud, journal: Journal, rates: Rates, shift: float) -> None:
        self._cloud = cloud
        self._journal = journal
        self._rates = rates
        self._shift = shift

    def recent(self) -> int:
        """Count the outcomes of the last seconds."""
        since = self._cloud.records.now() - RECENT
        return sum(1 for _ in takewhile(lambda seen: seen.moment > since, reversed(self._journal.outcomes)))

    def shown(self) -> dict[str, object]:
        """Describe it for the page; `left` is the seconds until the queue is empty, None where nobody can tell."""
        depths = self._cloud.smq.depths(self._cloud.template.outputs["RequestQueue"])
        waiting = depths.active + depths.inactive + depths.delayed
        rate = self.recent() / RECENT
        return {
            "waiting": waiting, "inFlight": depths.inactive, "delayed": depths.delayed, "rate": round(rate, 1),
            "left": round(waiting / rate) if rate and waiting else None,
            "dead": self._cloud.smq.depths(self._cloud.template.outputs["DeadLetterQueue"]).active,
            "api": self._api(), "error": self.last_error(),
        }  # fmt: skip

    def _api(self) -> dict[str, object]:
        health = self._rates.health()
        refusing = "iot" in self._cloud.network.down
        return {**health, "state": "down" if refusing else health["state"]}

    def last_error(self) -> dict[str, object] | None:
        """Return the latest error: of a call of the API, or of a function's log."""
        known = [*self._of_calls(), *self._of_functions()]
        if not known:
            return None
        moment, source, text = max(known)
        return {"at": round(moment + self._shift, 3), "source": source, "text": text}

    def _of_calls(self) -> Iterable[tuple[float, str, str]]:
        if failure := self._rates.last_failure:
            yield failure.moment, failure.operation, failure.text

    def _of_functions(self) -> Iterable[tuple[float, str, str]]:
        if complaint := self._journal.last_error:
            yield complaint.moment, complaint.function, complaint.text
