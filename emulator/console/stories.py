"""The whole story of a request: when it came, who worked on it, which calls were made for it, how it ended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.cloud import Cloud
from emulator.console.history import Acknowledged, DeadLettered, Published, Queued, Seen, Step, Worked
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
    said: Mapping[str, Any]


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
        steps = self._journal.steps.get(request, [])
        visits = list(self._visits(steps))
        entries = [entry for step in steps for entry in self._entries(step)]
        entries += [entry for visit in visits for entry in self._visited(visit, steps)]
        entries += self._failed(steps, visits)
        entries.sort(key=lambda entry: float(str(entry["at"])))
        shown = entries[:LONGEST]
        return {
            "request": request,
            "steps": shown,
            "more": len(entries) - len(shown),
            "related": self._related(request),
        }

    def _entries(self, step: Step) -> Iterator[Entry]:
        at = step.moment + self._shift
        if isinstance(step, Queued):
            yield {"at": at, "kind": "queued", "queue": step.queue, "message": step.message, "attempt": step.attempt}
        elif isinstance(step, Published):
            data = step.event.get("data") or {}
            yield {"at": at, "kind": "published", "status": data.get("Status"), "event": step.event.get("id")}
        elif isinstance(step, DeadLettered):
            yield {"at": at, "kind": "dead", "queue": step.queue, "message": step.message, "reason": step.reason}
        elif isinstance(step, Acknowledged):
            yield {"at": at, "kind": "acknowledged", "message": step.message}

    def _visits(self, steps: list[Step]) -> Iterator[_Visit]:
        for step in steps:
            if not isinstance(step, Worked):
                continue
            invoked = self._journal.invocations.get(step.invocation)
            first = self._journal.began.get(step.invocation, step.moment)
            began = invoked.began if invoked else first - EVERY
            # The line was read some time after it was written; the work was over when the invocation was.
            ended = min(step.moment, invoked.ended) if invoked else step.moment
            instance = invoked.instance if invoked else ""
            yield _Visit(step.function, step.invocation, instance, began, ended, step.said)

    def _visited(self, visit: _Visit, steps: list[Step]) -> Iterator[Entry]:
        delivered = {"function": visit.function, "invocation": visit.invocation, "instance": visit.instance}
        yield {"at": visit.began + self._shift, "kind": "delivered", **delivered}
        published = [step.moment for step in steps if isinstance(step, Published)]
        end = max([moment for moment in published if visit.began <= moment <= visit.ended], default=visit.ended)
        calls = self._calls(visit, end)
        yield from map(self._call, calls)
        told = ("status", "reason", "detail", "attempt", "calls", "throttles")
        said = {**{name: visit.said.get(name) for name in told}, "waited": visit.said.get("quota_wait_s")}
        # What a fault answered or cut off never reached the API.
        lost = max(0, int(said["calls"]) - len(calls)) if isinstance(said["calls"], int) else 0
        yield {"at": end + self._shift + 1e-6, "kind": "worked", "function": visit.function, **said, "lost": lost}

    def _calls(self, visit: _Visit, end: float) -> list[ApiCall]:
        """The calls for the request's module while the function worked on it.

        Requests for one module take turns: what another one's outcome had closed before is not this one's. A product's
        list is read for all its modules; one that was read meanwhile is shown, if this request asked for more than it
        wrote.
        """
        product, module = str(visit.said.get("product")), str(visit.said.get("module")).casefold()
        start = max(visit.began, self._turn(visit, product, module, end))
        found = [call for call in self._between(start, end) if call.parameters.get("ProductKey") == product]
        own = [call for call in found if call.parameters.get("ModuleName", "").casefold() == module]
        lists = [call for call in found if call.operation == _LISTING]
        expected = visit.said.get("calls")
        read = int(expected) - len(own) if isinstance(expected, int) else len(lists)
        after = [call for call in lists if own and call.moment > own[0].moment] or lists
        return own + after[: max(0, read)]

    def _turn(self, visit: _Visit, product: str, module: str, end: float) -> float:
        """When the request before this one, for the same module, was done."""
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

    def _failed(self, steps: list[Step], visits: list[_Visit]) -> list[Entry]:
        """Invocations that ended in an error while the request waited: they may have had it in hand."""
        queued = [step.moment for step in steps if isinstance(step, Queued)]
        done = [step.moment for step in steps if isinstance(step, Acknowledged)]
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
