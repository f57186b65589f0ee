"""The tour: sends every sample its own way, follows the outcomes, and says what is not as expected."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from cli.clients import http
from cli.clients.inbox import Inbox
from cli.clients.smq import BATCH, Mailbox
from cli.clients.target import Target
from cli.errors import CliError
from cli.records import Deviation, Toured
from cli.tour.matching import differences
from cli.tour.samples import MESSAGE, Sample, answer_value, http_body
from handler.clock import Clock

Send = Callable[[Target, Sample], Iterable[str]]
"""Sends a sample, and tells where the answer is not the expected one. Raises: CliError."""
PATIENCE = 45.0
"""Seconds without any outcome after which those still missing count as lost."""


@dataclass(frozen=True)
class Arrival:
    """An outcome that came, the sample and the request it belongs to, and where it differs from what was expected."""

    sample: str
    id: str
    outcome: Mapping[str, Any]
    differences: tuple[str, ...]


class Expectations:
    """The outcomes that samples must have. An outcome may come again; then it must be the same one."""

    def __init__(self) -> None:
        self.waiting: dict[str, str] = {}
        """The samples of what has not come, by its requests' Ids."""
        self.unknown: list[Mapping[str, Any]] = []
        """Events that no sample is known to have; some come before the Ids of their requests are known."""
        self._expected: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._events: dict[str, object] = {}

    def expect(self, sample: Sample, message_id: str = "") -> None:
        """Expect those outcomes of a sample whose Ids are now known."""
        for outcome in sample.outcomes:
            if (MESSAGE in outcome["Id"]) == bool(message_id):
                name = outcome["Id"].replace(MESSAGE, message_id)
                wanted = {field: value for field, value in outcome.items() if field != "Id"}
                self._expected[name] = sample.name, wanted
                self.waiting[name] = sample.name

    def take(self, events: Iterable[Mapping[str, Any]]) -> list[Arrival]:
        """Return the outcomes of events, and of earlier ones whose Ids are known now; without those that came before."""
        arrivals = []
        known, self.unknown = [*self.unknown, *events], []
        for event in known:
            name = str(event.get("causationid"))
            if name not in self._expected:
                self.unknown.append(event)
                continue
            sample, wanted = self._expected[name]
            found = tuple(differences(wanted, event["data"]))
            first = self._events.setdefault(name, event.get("id"))
            if first != event.get("id"):
                found += (f"a second outcome, {event.get('id')}, beside {first}",)
            if self.waiting.pop(name, None) or found:
                arrivals.append(Arrival(sample, name, event["data"], found))
        return arrivals

    def failed(self) -> list[Deviation]:
        """Return what has not come, and what belongs to no sample."""
        missing = (
            Deviation(sample, name, f"expected {self._expected[name][1].get('Status')}, got nothing")
            for name, sample in sorted(self.waiting.items())
        )
        unknown = (
            Deviation(
                "-", str(event.get("causationid")), f"not expected: {event['data']['Status']} of {event.get('subject')}"
            )
            for event in self.unknown
        )
        return [*missing, *unknown]


class Tour:
    """One tour of a target, whose outcomes come to `inbox`. `show` is called with each as it comes."""

    def __init__(
        self, target: Target, inbox: Inbox, samples: Sequence[Sample], show: Callable[[Arrival], None], clock: Clock
    ) -> None:
        self._target = target
        self._inbox = inbox
        self._samples = samples
        self._show = show
        self._clock = clock
        self._expectations = Expectations()
        self._statuses: Counter[str] = Counter()
        self._findings: list[Deviation] = []

    def run(self, stopped: Callable[[], bool] = lambda: False) -> Toured:
        """Send everything, and follow until every outcome has come, nothing more comes, or it is `stopped`.

        Raises: CloudError.
        """
        start = heard = self._clock.now()
        for sample in self._samples:
            self._expectations.expect(sample)
        with ThreadPoolExecutor() as pool:
            senders = [pool.submit(self._send, way, send, stopped) for way, send in WAYS.items()]
            self._to_queue()
            while not stopped() and self._clock.now() - heard <= PATIENCE:
                sending = not all(sender.done() for sender in senders)
                if not sending and not self._expectations.waiting:
                    break
                if self._receive() or sending:
                    heard = self._clock.now()
        findings = [finding for sender in senders for finding in sender.result()]
        return Toured(
            samples=Counter(sample.way for sample in self._samples),
            outcomes=self._statuses.total(),
            statuses=self._statuses,
            seconds=self._clock.now() - start,
            findings=[*findings, *self._findings, *self._expectations.failed()],
        )

    def _receive(self) -> bool:
        """Wait a moment for outcomes, and show them; return whether any came."""
        events = list(self._inbox.events())
        for arrival in self._expectations.take(events):
            self._statuses[str(arrival.outcome.get("Status"))] += 1
            self._findings += [Deviation(arrival.sample, arrival.id, text) for text in arrival.differences]
            self._show(arrival)
        return bool(events)

    def _to_queue(self) -> None:
        samples = [sample for sample in self._samples if sample.way == "queue"]
        with closing(Mailbox(self._target, self._clock)) as mailbox:
            for start in range(0, len(samples), BATCH):
                batch = samples[start : start + BATCH]
                ids = mailbox.send(self._target.names.request_queue, [sample.body.decode() for sample in batch])
                for sample, message_id in zip(batch, ids, strict=True):
                    self._expectations.expect(sample, message_id)

    def _send(self, way: str, send: Send, stopped: Callable[[], bool]) -> list[Deviation]:
        """Send the samples of one way; return what is wrong with the answers."""
        found: list[Deviation] = []
        for sample in self._samples:
            if sample.way == way and not stopped():
                try:
                    found += [Deviation(sample.name, "answer", text) for text in send(self._target, sample)]
                except CliError as error:
                    found.append(Deviation(sample.name, "-", str(error)))
        return found


def _over_http(target: Target, sample: Sample) -> Iterable[str]:
    call = json.loads(sample.body)
    url = target.http_url + call["path"]
    answer = http.call(url, call["method"], call["headers"], http_body(call.get("body")))
    return differences(sample.answer, answer_value(answer))


def _by_invocation(target: Target, sample: Sample) -> Iterable[str]:
    from cli.clients.fc import Functions

    Functions(target).invoke(target.names.http_function, sample.body)
    return ()


WAYS: Mapping[str, Send] = {"http": _over_http, "invoke": _by_invocation}
"""Beside the queue."""
