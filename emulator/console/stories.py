"""Tells the story of a request: when it came, which invocations and calls worked on it, how it ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.cloud import Cloud
from emulator.console.history import Acknowledged, DeadLettered, Happening, Published, Queued, Seen, Worked
from emulator.console.journal import Journal, summary
from emulator.console.rates import EVERY
from emulator.iot.service import ApiCall

LONGEST = 300
"""Steps that are shown of a story."""
RELATED = 50
_LISTING = "ListOTAModuleByProduct"
_SHOWN = ("AliasName", "Desc", "IotInstanceId")

Entry = dict[str, object]


@dataclass(frozen=True)
class _Visit:
    """The work of one invocation on the request."""

    function: str
    invocation: str
    instance: str
    began: float
    ended: float
    entry: Mapping[str, Any]


class Stories:
    """Tells stories from the journal and the calls that reached the API. `shift` makes monotonic seconds unix ones."""

    def __init__(self, cloud: Cloud, journal: Journal, shift: float) -> None:
        self._cloud = cloud
        self._journal = journal
        self._shift = shift

    def summary(self, seen: Seen) -> Entry:
        return summary(seen, seen.moment + self._shift)

    def of(self, seen: Seen) -> Entry:
        """The story behind an outcome."""
        return {**self.of_request(seen.request), "outcome": seen.event, "n": seen.number}

    def of_request(self, request: str) -> Entry:
        """The story of a request, finished or not, by its Id."""
        happenings = self._journal.happenings.get(request, [])
        visits = list(self._visits(happenings))
        entries = [entry for happening in happenings for entry in self._entries(happening)]
        entries += [entry for visit in visits for entry in self._visited(visit, happenings)]
        entries += self._failed(happenings, visits)
        entries.sort(key=lambda entry: float(str(entry["at"])))
        shown = entries[:LONGEST]
        return {
            "request": request,
            "steps": shown,
            "more": len(entries) - len(shown),
            "related": self._related(request),
            "log": self._journal.logs.of(request, (visit.invocation for visit in visits)),
        }

    def _entries(self, happening: Happening) -> Iterator[Entry]:
        at = happening.moment + self._shift
        if isinstance(happening, Queued):
            yield {
                "at": at,
                "kind": "queued",
                "queue": happening.queue,
                "message": happening.message,
                "attempt": happening.attempt,
            }
        elif isinstance(happening, Published):
            data = happening.event.get("data") or {}
            yield {"at": at, "kind": "published", "status": data.get("Status"), "event": happening.event.get("id")}
        elif isinstance(happening, DeadLettered):
            yield {
                "at": at,
                "kind": "dead",
                "queue": happening.queue,
                "message": happening.message,
                "reason": happening.reason,
            }
        elif isinstance(happening, Acknowledged):
            yield {"at": at, "kind": "acknowledged", "message": happening.message}

    def _visits(self, happenings: list[Happening]) -> Iterator[_Visit]:
        for happening in happenings:
            if not isinstance(happening, Worked):
                continue
            invoked = self._journal.invocations.get(happening.invocation)
            first = self._journal.began.get(happening.invocation, happening.moment)
            began = invoked.began if invoked else first - EVERY
            # The line was read some time after it was written; the work was over when the invocation was.
            ended = min(happening.moment, invoked.ended) if invoked else happening.moment
            instance = invoked.instance if invoked else ""
            yield _Visit(happening.function, happening.invocation, instance, began, ended, happening.entry)

    def _visited(self, visit: _Visit, happenings: list[Happening]) -> Iterator[Entry]:
        delivered = {"function": visit.function, "invocation": visit.invocation, "instance": visit.instance}
        yield {"at": visit.began + self._shift, "kind": "delivered", **delivered}
        published = [happening.moment for happening in happenings if isinstance(happening, Published)]
        end = max([moment for moment in published if visit.began <= moment <= visit.ended], default=visit.ended)
        calls = self._calls(visit, end)
        yield from map(self._call, calls)
        fields = ("status", "reason", "detail", "attempt", "calls", "throttles")
        work = {**{name: visit.entry.get(name) for name in fields}, "waited": visit.entry.get("quota_wait_s")}
        # What a fault answered or cut off never reached the API.
        lost = max(0, int(work["calls"]) - len(calls)) if isinstance(work["calls"], int) else 0
        yield {"at": end + self._shift + 1e-6, "kind": "worked", "function": visit.function, **work, "lost": lost}

    def _calls(self, visit: _Visit, end: float) -> list[ApiCall]:
        """Return the calls for the request's module while the function worked on it.

        Requests for the same module run one after another, so calls before the previous outcome are not ours. List calls name
        only the product; we claim as many of them as the function's log line has calls left over.
        """
        product, module = str(visit.entry.get("product")), str(visit.entry.get("module")).casefold()
        start = max(visit.began, self._turn(visit, product, module, end))
        calls = [call for call in self._between(start, end) if call.parameters.get("ProductKey") == product]
        own = [call for call in calls if call.parameters.get("ModuleName", "").casefold() == module]
        lists = [call for call in calls if call.operation == _LISTING]
        expected = visit.entry.get("calls")
        read = int(expected) - len(own) if isinstance(expected, int) else len(lists)
        after = [call for call in lists if own and call.moment > own[0].moment] or lists
        return own + after[: max(0, read)]

    def _turn(self, visit: _Visit, product: str, module: str, end: float) -> float:
        """Return when the previous request for the same module was done."""
        others = [
            seen.moment
            for seen in self._journal.outcomes
            if visit.began <= seen.moment < end
            and seen.data.get("ProductKey") == product
            and str(seen.data.get("ModuleName")).casefold() == module
        ]
        return max(others, default=visit.began)

    def _between(self, start: float, end: float) -> Iterator[ApiCall]:
        for call in self._cloud.iot.calls:
            if start <= call.moment <= end:
                yield call

    def _call(self, call: ApiCall) -> Entry:
        sent = {name: call.parameters[name] for name in _SHOWN if name in call.parameters}
        return {
            "at": call.moment + self._shift, "kind": "call", "operation": call.operation, "status": call.http_status,
            "code": call.code, "success": call.success, "request": call.request_id, "sent": sent,
        }  # fmt: skip

    def _failed(self, happenings: list[Happening], visits: list[_Visit]) -> list[Entry]:
        """Invocations that ended in an error while the request waited: they may have had it in hand."""
        queued = [happening.moment for happening in happenings if isinstance(happening, Queued)]
        done = [happening.moment for happening in happenings if isinstance(happening, Acknowledged)]
        if not queued:
            return []
        streams = {stream.config.function for stream in self._cloud.streams}
        known = {visit.invocation for visit in visits}
        until = max(done, default=float("inf"))
        return [
            {
                "at": call.ended + self._shift, "kind": "failed", "function": call.function, "error": call.error,
                "invocation": call.request_id, "text": call.text,
            }
            for call in self._journal.failures
            if call.function in streams and call.request_id not in known and queued[0] <= call.began <= until
        ]  # fmt: skip

    def _related(self, request: str) -> list[Entry]:
        """The latest outcomes of other requests with the same correlation."""
        mine = {seen.data.get("CorrelationId") for seen in self._journal.outcomes if seen.request == request} - {None}
        others = [
            seen
            for seen in reversed(self._journal.outcomes)
            if mine and seen.data.get("CorrelationId") in mine and seen.request != request
        ]
        return [self.summary(seen) for seen in others[:RELATED]]
