"""Tells the story of a request: when it came, which invocations and calls worked on it, how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.cloud import Cloud
from emulator.console.history import Happening, Seen, Visit
from emulator.console.journal import Journal
from emulator.console.rates import EVERY
from emulator.iot.service import ApiCall

LONGEST = 300
"""Steps that are shown of a story."""
RELATED = 50
_SHOWN = ("AliasName", "Desc", "IotInstanceId")
"""Parameters that are shown of a call."""

Entry = dict[str, Any]


class Stories:
    """Tells stories from the journal and the calls that reached the API. `shift` makes monotonic seconds unix ones."""

    def __init__(self, cloud: Cloud, journal: Journal, shift: float) -> None:
        self._cloud = cloud
        self._journal = journal
        self._shift = shift

    def summary(self, seen: Seen) -> Entry:
        """Describe an outcome for the page's list."""
        data = seen.data
        return {
            "n": seen.number,
            "at": round(seen.moment + self._shift, 3),
            "status": data.get("Status"),
            "product": data.get("ProductKey"),
            "module": data.get("ModuleName"),
            "id": seen.request,
            "correlation": data.get("CorrelationId"),
            "note": _remark(data),
            "attempts": data.get("Attempts"),
            "repeated": seen.repeated,
        }

    def tell(self, request: str) -> Entry:
        """Tell the story of a request, finished or not, by its Id."""
        happenings = self._journal.happenings.get(request, [])
        visits = self._journal.visits.get(request, [])
        steps = [self._step(happening.moment, happening.kind, **happening.details) for happening in happenings]
        for visit in visits:
            steps += self._visit(visit, _moments(happenings, "published"))
        steps += self._failures(happenings, visits)
        steps.sort(key=lambda step: step["at"])
        return {
            "request": request,
            "steps": steps[:LONGEST],
            "more": len(steps[LONGEST:]),
            "related": self._related(request),
            "log": self._journal.logs.about(request, (visit.invocation for visit in visits)),
        }

    def _step(self, moment: float, kind: str, **details: object) -> Entry:
        return {"at": moment + self._shift, "kind": kind, **details}

    def _visit(self, visit: Visit, published: list[float]) -> Iterator[Entry]:
        """Tell the work of an invocation on the request: delivered, the calls, done."""
        invoked = self._journal.invocations.get(visit.invocation)
        began = self._journal.began.get(visit.invocation, visit.moment) - EVERY
        end, instance = visit.moment, ""
        if invoked:
            # The log line is read some time after it was written; the work was over when the invocation was.
            began, end, instance = invoked.began, min(end, invoked.ended), invoked.instance
        end = max([moment for moment in published if began <= moment <= end], default=end)
        names = {"function": visit.function, "invocation": visit.invocation, "instance": instance}
        yield self._step(began, "delivered", **names)
        calls = self._calls(visit.entry, began, end)
        yield from map(self._call, calls)
        work = {name: visit.entry.get(name) for name in ("status", "reason", "detail", "attempt", "calls", "throttles")}
        # Calls that a fault answered or cut off never reached the API.
        lost = max(0, work["calls"] - len(calls)) if isinstance(work["calls"], int) else 0
        waited = visit.entry.get("quota_wait_s")
        yield self._step(end + 1e-6, "worked", function=visit.function, **work, waited=waited, lost=lost)

    def _calls(self, entry: Mapping[str, Any], began: float, end: float) -> list[ApiCall]:
        """Return the calls for the request's module while an invocation worked on it.

        Requests for the same module run one after another, so calls before the previous outcome are not ours. List calls name
        only the product; we claim as many of them as the function's log line has calls left over.
        """
        product, module = str(entry.get("product")), str(entry.get("module")).casefold()
        others = [seen.moment for seen in self._journal.outcomes if seen.module == (product, module)]
        start = max([moment for moment in others if began <= moment < end], default=began)
        calls = [call for call in self._cloud.iot.calls if start <= call.moment <= end]
        calls = [call for call in calls if call.parameters.get("ProductKey") == product]
        own = [call for call in calls if call.parameters.get("ModuleName", "").casefold() == module]
        lists = [call for call in calls if call.operation == "ListOTAModuleByProduct"]
        lists = [call for call in lists if own and call.moment > own[0].moment] or lists
        expected = entry.get("calls")
        return own + lists[: max(0, expected - len(own)) if isinstance(expected, int) else None]

    def _call(self, call: ApiCall) -> Entry:
        sent = {name: call.parameters[name] for name in _SHOWN if name in call.parameters}
        answer = {"operation": call.operation, "status": call.http_status, "code": call.code, "success": call.success}
        return self._step(call.moment, "call", **answer, request=call.request_id, sent=sent)

    def _failures(self, happenings: list[Happening], visits: list[Visit]) -> list[Entry]:
        """Return the invocations that ended in an error while the request waited: they may have had it in hand."""
        queued, until = _moments(happenings, "queued"), max(_moments(happenings, "acknowledged"), default=float("inf"))
        streams = {stream.config.function for stream in self._cloud.streams}
        known = {visit.invocation for visit in visits}
        failures = [
            call for call in self._journal.failures if call.function in streams and call.request_id not in known
        ]
        return [
            self._step(
                call.ended,
                "failed",
                function=call.function,
                error=call.error,
                invocation=call.request_id,
                text=call.text,
            )
            for call in failures
            if queued and queued[0] <= call.began <= until
        ]

    def _related(self, request: str) -> list[Entry]:
        """Return the latest outcomes of other requests with the same correlation."""
        outcomes = [seen for seen in reversed(self._journal.outcomes) if seen.data.get("CorrelationId") is not None]
        own = [seen.data["CorrelationId"] for seen in outcomes if seen.request == request]
        others = [seen for seen in outcomes if seen.data["CorrelationId"] in own and seen.request != request]
        return [self.summary(seen) for seen in others[:RELATED]]


def _moments(happenings: list[Happening], kind: str) -> list[float]:
    return [happening.moment for happening in happenings if happening.kind == kind]


def _remark(data: Mapping[str, Any]) -> str:
    """Describe what the status of an outcome does not say: the first error, the drift, or the API's code."""
    errors = data.get("Errors") or ()
    if errors:
        first = f"{errors[0].get('Field') or 'body'} {errors[0].get('Problem')}"
        return first if len(errors) == 1 else f"{first}, and {len(errors) - 1} more"
    if drift := data.get("Drift"):
        return f"differs in {', '.join(drift)}"
    code, message = (str(data.get(name) or "") for name in ("Code", "ErrorMessage"))
    return message if message.startswith(code) and message else ": ".join(part for part in (code, message) if part)
