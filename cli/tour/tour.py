"""The tour: sends every sample its own way, follows the outcomes, and says what is not as expected."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from cli import records
from cli.clients import http
from cli.clients.fc import Functions
from cli.clients.inbox import Inbox
from cli.clients.smq import BATCH, Mailbox
from cli.clients.target import Target
from cli.errors import CliError
from cli.tour.expectations import Arrival, Expectations, Finding
from cli.tour.matching import differences
from cli.tour.samples import Sample, Way, answer_value, http_body
from handler.clock import Clock

PATIENCE = 45.0
"""Seconds without any outcome after which those still missing count as lost."""


@dataclass
class Summary:
    """How a tour went."""

    samples: Counter[Way] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def outcomes(self) -> int:
        return sum(self.statuses.values())

    def record(self, busiest: Mapping[str, int], page: str | None) -> records.Toured:
        """Return the summary as a JSON line has it, with the calls of the busiest second and the address of the page."""
        return {
            "Samples": {str(way): count for way, count in self.samples.items()},
            "Outcomes": self.outcomes,
            "Statuses": dict(self.statuses),
            "Seconds": round(self.seconds, 1),
            "Findings": [finding.record() for finding in self.findings],
            "BusiestSecond": dict(busiest),
            "Page": page,
        }


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
        self._lock = threading.Lock()
        self._expectations = Expectations()
        self._summary = Summary(samples=Counter(sample.way for sample in samples))
        for sample in samples:
            if not sample.awaits_id:
                self._expectations.expect(sample)

    def run(self, stopped: Callable[[], bool] = lambda: False) -> Summary:
        """Send everything, and follow until every outcome has come, nothing more comes, or it is `stopped`.

        Raises: CloudError.
        """
        start = self._clock.now()
        senders = [
            threading.Thread(target=self._sending, args=(way, send), daemon=True, name=f"tour-{way}")
            for way, send in (("queue", self._to_queue), ("http", self._over_http), ("invoke", self._by_invocation))
        ]
        for sender in senders:
            sender.start()
        self._follow(senders, stopped)
        self._summary.findings += [*self._expectations.missing(), *self._expectations.unexpected()]
        self._summary.seconds = self._clock.now() - start
        return self._summary

    def _follow(self, senders: Sequence[threading.Thread], stopped: Callable[[], bool]) -> None:
        heard = self._clock.now()
        while not stopped() and (any(sender.is_alive() for sender in senders) or not self._complete()):
            events = list(self._inbox.events())
            if events or any(sender.is_alive() for sender in senders):
                heard = self._clock.now()
            elif self._clock.now() - heard > PATIENCE:
                return
            for event in events:
                with self._lock:
                    arrival = self._expectations.take(event)
                self._arrived([arrival] if arrival else [])

    def _complete(self) -> bool:
        with self._lock:
            return self._expectations.complete

    def _arrived(self, arrivals: Iterable[Arrival]) -> None:
        for arrival in arrivals:
            with self._lock:
                self._summary.statuses[str(arrival.outcome.get("Status"))] += 1
                self._summary.findings += arrival.findings
                self._show(arrival)

    def _sending(self, way: Way, send: Callable[[Sequence[Sample]], None]) -> None:
        try:
            send([sample for sample in self._samples if sample.way == way])
        except CliError as error:
            self._found(Finding(way, "-", str(error)))

    def _found(self, finding: Finding) -> None:
        with self._lock:
            self._summary.findings.append(finding)

    def _to_queue(self, samples: Sequence[Sample]) -> None:
        with closing(Mailbox(self._target, self._clock)) as mailbox:
            for start in range(0, len(samples), BATCH):
                batch = samples[start : start + BATCH]
                ids = mailbox.send(self._target.names.request_queue, [sample.body.decode() for sample in batch])
                for sample, message_id in zip(batch, ids, strict=True):
                    self._sent(sample, message_id)

    def _sent(self, sample: Sample, message_id: str) -> None:
        if sample.awaits_id:
            with self._lock:
                early = self._expectations.expect(sample, message_id)
            self._arrived(early)

    def _over_http(self, samples: Sequence[Sample]) -> None:
        for sample in samples:
            said = json.loads(sample.body)
            answer = http.call(
                self._target.http_url + said["path"], said["method"], said["headers"], http_body(said.get("body"))
            )
            for difference in differences(sample.answer, answer_value(answer)):
                self._found(Finding(sample.name, "answer", difference))

    def _by_invocation(self, samples: Sequence[Sample]) -> None:
        functions = Functions(self._target, self._clock)
        for sample in samples:
            try:
                functions.invoke(self._target.names.http_function, sample.body)
            except CliError as error:
                self._found(Finding(sample.name, "-", str(error)))
