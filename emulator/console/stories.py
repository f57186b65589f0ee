"""Tells the story of a request: when it came, which invocations and calls worked on it, how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.cloud import Cloud
from emulator.console.history import Happening, NumberedOutcome, Visit
from emulator.console.journal import Journal
from emulator.console.rates import EVERY
from emulator.iot.service import ApiCall
from emulator.records import Invoked

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

    def summarize(self, outcome: NumberedOutcome) -> Entry:
        """Describe an outcome for the page's list."""
        data = outcome.data
        return {
            "n": outcome.number,
            "at": round(outcome.moment + self._shift, 3),
            "status": data.get("Status"),
            "product": data.get("ProductKey"),
            "module": data.get("ModuleName"),
            "id": outcome.request,
            "correlation": data.get("CorrelationId"),
            "note": _describe_result(data),
            "attempts": data.get("Attempts"),
            "repeated": outcome.repeated,
        }

    def tell(self, request: str) -> Entry:
        """Tell the story of a request, finished or not, by its Id."""
        happenings = self._journal.happenings.get(request, [])
        visits = self._journal.visits.get(request, [])
        steps = [self._build_step(happening.moment, happening.kind, **happening.details) for happening in happenings]
        for visit in visits:
            steps += self._describe_visit(visit, _moments(happenings, "published"))
        steps += self._describe_failures(happenings, visits)
        steps.sort(key=lambda step: step["at"])
        return {
            "request": request,
            "steps": steps[:LONGEST],
            "more": len(steps[LONGEST:]),
            "related": self._list_related(request),
            "log": self._journal.logs.find_lines(request, (visit.invocation for visit in visits)),
        }

    def _build_step(self, moment: float, kind: str, **details: object) -> Entry:
        return {"at": moment + self._shift, "kind": kind, **details}

    def _describe_visit(self, visit: Visit, published: list[float]) -> Iterator[Entry]:
        """Describe an invocation's work on the request: delivered, the calls, worked."""
        invoked = self._journal.invocations.get(visit.invocation)
        began = self._journal.began.get(visit.invocation, visit.moment) - EVERY
        end, instance = visit.moment, ""
        if invoked:
            # The log line is read some time after it was written; the work was over when the invocation was.
            began, end, instance = invoked.began, min(end, invoked.ended), invoked.instance
        end = max([moment for moment in published if began <= moment <= end], default=end)
        names = {"function": visit.function, "invocation": visit.invocation, "instance": instance}
        yield self._build_step(began, "delivered", **names)
        calls = self._select_calls(visit.entry, began, end)
        yield from map(self._describe_call, calls)
        work = {name: visit.entry.get(name) for name in ("status", "reason", "detail", "attempt", "calls", "throttles")}
        # Calls that a fault answered or cut off never reached the API.
        lost = max(0, work["calls"] - len(calls)) if isinstance(work["calls"], int) else 0
        waited = visit.entry.get("quota_wait_s")
        yield self._build_step(end + 1e-6, "worked", function=visit.function, **work, waited=waited, lost=lost)

    def _select_calls(self, entry: Mapping[str, Any], began: float, end: float) -> list[ApiCall]:
        """Return the calls for the request's module while an invocation worked on it.

        Requests for the same module run one after another, so calls before the previous outcome belong to others. List calls
        name only the product: as many of them are taken as the function's log line counts beyond the other calls.
        """
        product, module = str(entry.get("product")), str(entry.get("module")).casefold()
        others = [outcome.moment for outcome in self._journal.outcomes if outcome.module == (product, module)]
        start = max([moment for moment in others if began <= moment < end], default=began)
        calls = [call for call in self._cloud.iot.calls if start <= call.moment <= end]
        calls = [call for call in calls if call.parameters.get("ProductKey") == product]
        own = [call for call in calls if call.parameters.get("ModuleName", "").casefold() == module]
        lists = [call for call in calls if call.operation == "ListOTAModuleByProduct"]
        lists = [call for call in lists if own and call.moment > own[0].moment] or lists
        expected = entry.get("calls")
        return own + lists[: max(0, expected - len(own)) if isinstance(expected, int) else None]

    def _describe_call(self, call: ApiCall) -> Entry:
        sent = {name: call.parameters[name] for name in _SHOWN if name in call.parameters}
        answer = {"operation": call.operation, "status": call.http_status, "code": call.code, "success": call.success}
        return self._build_step(call.moment, "call", **answer, request=call.request_id, sent=sent)

    def _describe_failures(self, happenings: list[Happening], visits: list[Visit]) -> list[Entry]:
        """Describe the invocations that failed while the request waited: they may have been working on it."""
        queued, until = _moments(happenings, "queued"), max(_moments(happenings, "acknowledged"), default=float("inf"))
        streams = {stream.config.function for stream in self._cloud.streams}
        known = {visit.invocation for visit in visits}
        calls = [call for call in self._journal.failures if call.function in streams and call.request_id not in known]
        return [self._describe_failure(call) for call in calls if queued and queued[0] <= call.began <= until]

    def _describe_failure(self, call: Invoked) -> Entry:
        names = {"function": call.function, "invocation": call.request_id}
        return self._build_step(call.ended, "failed", **names, error=call.error, text=call.text)

    def _list_related(self, request: str) -> list[Entry]:
        """Return the latest outcomes of other requests with the same correlation."""
        latest = reversed(self._journal.outcomes)
        known = [outcome for outcome in latest if outcome.data.get("CorrelationId") is not None]
        own = [outcome.data["CorrelationId"] for outcome in known if outcome.request == request]
        others = [outcome for outcome in known if outcome.data["CorrelationId"] in own and outcome.request != request]
        return [self.summarize(outcome) for outcome in others[:RELATED]]


def _moments(happenings: list[Happening], kind: str) -> list[float]:
    return [happening.moment for happening in happenings if happening.kind == kind]


def _describe_result(data: Mapping[str, Any]) -> str:
    """Describe what the status of an outcome does not say: the first error, the drift, or the API's code."""
    errors = data.get("Errors") or ()
    if errors:
        first = f"{errors[0].get('Field') or 'body'} {errors[0].get('Problem')}"
        return first if len(errors) == 1 else f"{first}, and {len(errors) - 1} more"
    if drift := data.get("Drift"):
        return f"differs in {', '.join(drift)}"
    code, message = (str(data.get(name) or "") for name in ("Code", "ErrorMessage"))
    return message if message.startswith(code) and message else ": ".join(part for part in (code, message) if part)
