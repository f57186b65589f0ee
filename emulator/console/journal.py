"""Follows the requests through the local cloud, by its records and the functions' logs.

Nothing is received from a queue: those who wait for outcomes get every one.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar

from emulator import records
from emulator.bodies import decode
from emulator.cloud import Cloud
from emulator.console import letters
from emulator.console.bodies import parse_json, read_requests
from emulator.console.history import Happening, NumberedOutcome, Trouble, Visit
from emulator.console.logs import Logs
from emulator.console.runs import Runs
from emulator.console.tail import Tail

KEPT = 20_000
"""The most outcomes, requests, messages and invocations that are kept, each."""
AT_ONCE = 200
"""Records that are read at once, so that other tasks have their turn."""
LONGEST_TROUBLE = 500
_START = "FC Invoke Start RequestId: "
V = TypeVar("V")


class Journal:
    """The outcomes in order, and the history of each request by its Id."""

    def __init__(self, cloud: Cloud) -> None:
        names = cloud.template.outputs
        self.outcomes: deque[NumberedOutcome] = deque(maxlen=KEPT)
        self.statuses: Counter[str] = Counter()
        self.happenings: dict[str, list[Happening]] = {}
        self.visits: dict[str, list[Visit]] = {}
        self.invocations: dict[str, records.Invoked] = {}
        self.began: dict[str, float] = {}
        """When an invocation was first seen: it is recorded only when it has ended."""
        self.failures: deque[records.Invoked] = deque(maxlen=KEPT)
        """Calls of functions that ended in an error."""
        self.last_error: Trouble | None = None
        self.logs = Logs()
        self.runs = Runs()
        self._requests = names["RequestQueue"]
        self._dead = names["DeadLetterQueue"]
        self._topic = names.get("ResultTopic")
        self._now = cloud.records.now
        self._ids: dict[str, tuple[str, ...]] = {}
        """The requests of each message."""
        self._known: dict[str, None] = {}
        """The ids of outcomes."""
        self._count = 0
        self._events = Tail(lambda: cloud.records.events)
        self._lines = {
            name: Tail(lambda deployed=deployed: [line for line in deployed.lines if line.startswith(("{", _START))])  # type: ignore[misc]
            for name, deployed in cloud.fc.functions.items()
        }

    async def read_new(self) -> None:
        """Read the new records and log lines."""
        for number, event in enumerate(self._events.read_new(), 1):
            self._read(event)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        for function, tail in self._lines.items():
            for line in tail.read_new():
                self._read_line(function, line)

    def since(self, number: int) -> list[NumberedOutcome]:
        """Return the outcomes after the one with this number, as far as they are kept."""
        missing = min(self._count - number, len(self.outcomes))
        return list(islice(reversed(self.outcomes), max(0, missing)))[::-1]

    def find(self, number: int) -> NumberedOutcome | None:
        return next((outcome for outcome in reversed(self.outcomes) if outcome.number == number), None)

    def _read(self, event: records.Event) -> None:
        if isinstance(event, records.Sent) and event.queue == self._requests:
            self._read_message(event)
        elif isinstance(event, records.Sent) and event.queue == self._dead:
            self._read_letter(event)
        elif isinstance(event, records.Deleted) and event.queue == self._requests:
            self._note(self._ids.get(event.id, ()), Happening(event.moment, "acknowledged", {"message": event.id}))
        elif isinstance(event, records.Published) and event.topic == self._topic:
            self._read_outcome(event)
        elif isinstance(event, records.Invoked):
            self._read_invocation(event)

    def _read_message(self, event: records.Sent) -> None:
        requests = read_requests(parse_json(decode(event.body)), event.id)
        _keep(self._ids, event.id, tuple(requests))
        for name, request in requests.items():
            self.runs.note(name, event.moment)
            attempt = request.get("Attempt") if isinstance(request.get("Attempt"), int) else 1
            details = {"queue": event.queue, "message": event.id, "attempt": attempt}
            self._note([name], Happening(event.moment, "queued", details))

    def _read_letter(self, event: records.Sent) -> None:
        letter = letters.read(event.id, event.body)
        details = {"queue": event.queue, "message": event.id, "reason": letter.reason}
        self._note(letter.requests, Happening(event.moment, "dead", details))

    def _read_outcome(self, event: records.Published) -> None:
        content = parse_json(decode(event.body))
        if not isinstance(content, dict):
            return
        self._count += 1
        name = str(content.get("id"))
        outcome = NumberedOutcome(self._count, event.moment, content, name in self._known)
        _keep(self._known, name, None)
        self.outcomes.append(outcome)
        status = outcome.data.get("Status")
        self.statuses[str(status)] += 1
        self.runs.note(outcome.request, event.moment, str(status))
        details = {"status": status, "event": content.get("id")}
        self._note([outcome.request], Happening(event.moment, "published", details))

    def _read_invocation(self, event: records.Invoked) -> None:
        _keep(self.invocations, event.request_id, event)
        if event.error:
            self.failures.append(event)
            answer = parse_json(event.text)
            text = answer.get("errorMessage") if isinstance(answer, dict) else None
            self._set_last_error(event.ended, event.function, f"{event.error}: {text or event.text}")

    def _read_line(self, function: str, line: str) -> None:
        if line.startswith(_START):
            _keep(self.began, line.removeprefix(_START), self._now())
            return
        entry = parse_json(line)
        if not isinstance(entry, dict):
            return
        self.logs.add(function, entry)
        if entry.get("level") in ("WARNING", "ERROR"):
            self._set_last_error(self._now(), function, describe(entry))
        if entry.get("event") == "request" and isinstance(entry.get("id"), str):
            visit = Visit(self._now(), function, str(entry.get("request_id")), entry)
            _keep(self.visits, entry["id"], []).append(visit)

    def _set_last_error(self, moment: float, function: str, text: str) -> None:
        self.last_error = Trouble(moment, function, text[:LONGEST_TROUBLE])

    def _note(self, requests: Iterable[str], happening: Happening) -> None:
        for name in requests:
            _keep(self.happenings, name, []).append(happening)


def describe(entry: Mapping[str, Any]) -> str:
    """Put a warning or an error of the log into words."""
    parts = [str(entry[name]) for name in ("reason", "operation", "code", "detail", "text") if entry.get(name)]
    # A detail often begins with the code.
    texts = [part for part, after in zip(parts, [*parts[1:], ""], strict=False) if not after.startswith(f"{part}: ")]
    return ": ".join(texts) or str(entry.get("event"))


def _keep(kept: dict[str, V], name: str, value: V) -> V:
    """Keep a value unless there is one of this name, dropping the oldest beyond KEPT; return the one that is kept."""
    known = kept.setdefault(name, value)
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
    return known
