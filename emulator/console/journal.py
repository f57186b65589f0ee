"""Follows the requests through the local cloud, by its records and the functions' logs.

Nothing is received from a queue: those who wait for outcomes get every one.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from emulator import records
from emulator.bodies import decode
from emulator.cloud import Cloud
from emulator.console import letters
from emulator.console.bodies import requests_in, value_of
from emulator.console.history import Acknowledged, DeadLettered, Happening, Published, Queued, Seen, Worked
from emulator.console.logs import Logs
from emulator.console.runs import Runs
from emulator.console.tail import Tail

KEPT = 20_000
"""Outcomes, requests, messages and invocations that are remembered, each."""
AT_ONCE = 200
"""Records that are read before others have their turn."""
LONGEST_COMPLAINT = 500
_START = "FC Invoke Start RequestId: "
V = TypeVar("V")


@dataclass(frozen=True)
class Complaint:
    """What a function's log complained about last, or how its last failure ended; `moment` in monotonic seconds."""

    moment: float
    function: str
    text: str


class Journal:
    """The outcomes in order, and what happened to each request by its Id."""

    def __init__(self, cloud: Cloud) -> None:
        names = cloud.template.outputs
        self.outcomes: deque[Seen] = deque(maxlen=KEPT)
        self.statuses: Counter[str] = Counter()
        self.happenings: dict[str, list[Happening]] = {}
        self.invocations: dict[str, records.Invoked] = {}
        self.began: dict[str, float] = {}
        """When an invocation was first seen: it is recorded only when it has ended."""
        self.failures: deque[records.Invoked] = deque(maxlen=KEPT)
        """Calls of functions that ended in an error."""
        self.last_error: Complaint | None = None
        self.logs = Logs()
        self.runs = Runs()
        self._requests = names["RequestQueue"]
        self._dead = names["DeadLetterQueue"]
        self._topic = names.get("ResultTopic")
        self._now = cloud.records.now
        self._ids: dict[str, tuple[str, ...]] = {}
        self._known: dict[str, None] = {}
        self._count = 0
        self._events = Tail(lambda: cloud.records.events)
        self._lines = {
            name: Tail(lambda deployed=deployed: [line for line in deployed.lines if line.startswith(("{", _START))])  # type: ignore[misc]
            for name, deployed in cloud.fc.functions.items()
        }

    async def follow(self) -> None:
        """Read what is new."""
        for number, event in enumerate(self._events.new(), 1):
            self._read(event)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        for function, tail in self._lines.items():
            for line in tail.new():
                self._log(function, line)

    def since(self, number: int) -> list[Seen]:
        """Return the outcomes after the one with this number, as far as they are remembered."""
        missing = min(self._count - number, len(self.outcomes))
        return list(islice(reversed(self.outcomes), max(0, missing)))[::-1]

    def find(self, number: int) -> Seen | None:
        return next((seen for seen in reversed(self.outcomes) if seen.number == number), None)

    def _read(self, event: records.Event) -> None:
        if isinstance(event, records.Sent) and event.queue == self._requests:
            self._queued(event)
        elif isinstance(event, records.Sent) and event.queue == self._dead:
            self._dead_lettered(event)
        elif isinstance(event, records.Deleted) and event.queue == self._requests:
            self._note(self._ids.get(event.id, ()), Acknowledged(event.moment, event.id))
        elif isinstance(event, records.Published) and event.topic == self._topic:
            self._published(event)
        elif isinstance(event, records.Invoked):
            self._invoked(event)

    def _queued(self, event: records.Sent) -> None:
        requests = requests_in(value_of(decode(event.body)), event.id)
        _keep(self._ids, event.id, tuple(requests))
        for name, request in requests.items():
            self.runs.send(name, event.moment)
            attempt = request.get("Attempt")
            self._note([name], Queued(event.moment, event.queue, event.id, attempt if isinstance(attempt, int) else 1))

    def _dead_lettered(self, event: records.Sent) -> None:
        letter = letters.read(event.id, event.body)
        for number, request in enumerate(letter.requests):
            name = request.get("Id") or letter.senders[number]
            self._note([str(name)], DeadLettered(event.moment, event.queue, event.id, letter.reason))

    def _published(self, event: records.Published) -> None:
        outcome = value_of(decode(event.body))
        if not isinstance(outcome, dict):
            return
        self._count += 1
        name = str(outcome.get("id"))
        seen = Seen(self._count, event.moment, outcome, name in self._known)
        _keep(self._known, name, None)
        self.outcomes.append(seen)
        self.statuses[str(seen.data.get("Status"))] += 1
        self.runs.answer(seen.request, str(seen.data.get("Status")), event.moment)
        self._note([seen.request], Published(event.moment, outcome))

    def _invoked(self, event: records.Invoked) -> None:
        _keep(self.invocations, event.request_id, event)
        if event.error:
            self.failures.append(event)
            self.last_error = Complaint(event.ended, event.function, f"{event.error}: {event.text}"[:LONGEST_COMPLAINT])

    def _log(self, function: str, line: str) -> None:
        if line.startswith(_START):
            _keep(self.began, line.removeprefix(_START), self._now())
            return
        entry = value_of(line)
        if not isinstance(entry, dict):
            return
        self.logs.add(function, entry)
        if entry.get("level") in ("WARNING", "ERROR"):
            self.last_error = Complaint(self._now(), function, _complaint(entry))
        if entry.get("event") == "request" and isinstance(entry.get("id"), str):
            self._note([entry["id"]], Worked(self._now(), function, str(entry.get("request_id")), entry))

    def _note(self, requests: Iterable[str], happening: Happening) -> None:
        for name in requests:
            if name not in self.happenings:
                _keep(self.happenings, name, [])
            self.happenings[name].append(happening)


def _complaint(entry: Mapping[str, Any]) -> str:
    """Put into words what a line of the log complains about."""
    told = (entry.get(name) for name in ("reason", "operation", "code", "detail", "text"))
    return ": ".join(str(each) for each in told if each)[:LONGEST_COMPLAINT] or str(entry.get("event"))


def _keep(kept: dict[str, V], name: str, value: V) -> None:
    """Remember a value, and forget the oldest where there are too many."""
    kept.setdefault(name, value)
    if len(kept) > KEPT:
        del kept[next(iter(kept))]


def summary(seen: Seen, wall: float) -> dict[str, object]:
    """Describe an outcome for the page's list; `wall` is when it came, in unix seconds."""
    data = seen.data
    return {
        "n": seen.number,
        "at": round(wall, 3),
        "status": data.get("Status"),
        "product": data.get("ProductKey"),
        "module": data.get("ModuleName"),
        "id": seen.request,
        "correlation": data.get("CorrelationId"),
        "note": _remark(seen),
        "attempts": data.get("Attempts"),
        "repeated": seen.repeated,
    }


def _remark(seen: Seen) -> str:
    """Say what the status of an outcome does not: the first error, the drift, or the API's code."""
    data = seen.data
    errors = data.get("Errors") or ()
    if errors:
        first = f"{errors[0].get('Field') or 'body'} {errors[0].get('Problem')}"
        return first if len(errors) == 1 else f"{first}, and {len(errors) - 1} more"
    if drift := data.get("Drift"):
        return f"differs in {', '.join(drift)}"
    code, message = (str(data.get(name) or "") for name in ("Code", "ErrorMessage"))
    return message if message.startswith(code) and message else ": ".join(part for part in (code, message) if part)
