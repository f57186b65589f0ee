"""What each delivery of the request queue did, told from the order in which the local cloud recorded it.

A stream calls the function with one batch at a time, and deletes the batch in one go: all that happened since it deleted the
one before belongs to this one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from emulator.faults.plan import KINDS
from emulator.records import Deleted, Event, Faulted, Invoked, Published, Sent
from tests.e2e.company import is_calm
from tests.e2e.evidence import REQUESTS, Evidence, requests_in

T = TypeVar("T")


@dataclass
class Delivery:
    """A batch of so many messages, from the call of the function to its deletion."""

    messages: int
    events: Sequence[Event]

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def put_back(self) -> list[Sent]:
        """Messages that the function sent to the queue, and not their first sender."""
        calls = self.of(Invoked)
        sent = [sent for sent in self.of(Sent) if sent.queue == REQUESTS]
        return [each for each in sent if calls and each.moment >= min(call.began for call in calls)]

    def is_calm(self, evidence: Evidence) -> bool:
        """Whether the function was called once, succeeded, and nothing went wrong around it."""
        calls = self.of(Invoked)
        if len(calls) != 1 or calls[0].error or self.of(Faulted) or not is_calm(evidence) or evidence.is_slowed:
            return False
        return all(call.success for call in evidence.calls if calls[0].began <= call.moment <= calls[0].ended)


def deliveries(evidence: Evidence) -> Iterator[Delivery]:
    """Yield what became of each batch that was deleted."""
    events: list[Event] = []
    for is_end, group in groupby(evidence.events, _ends_a_delivery):
        grouped = list(group)
        if is_end:
            yield Delivery(len(grouped), events)
        events = [] if is_end else grouped


def _ends_a_delivery(event: Event) -> bool:
    return isinstance(event, Deleted) and event.queue == REQUESTS


def never_longer(evidence: Evidence) -> Iterator[str]:
    """I9."""
    for delivery in deliveries(evidence):
        # What the queue took without saying so is sent once more.
        if any(fault.service == "smq" and fault.reached for fault in delivery.of(Faulted)):
            continue
        calls, back = len(delivery.of(Invoked)), delivery.put_back
        if len(back) > delivery.messages * calls:
            yield f"{delivery.messages} messages came back as {len(back)}"
        names = Counter(name for sent in back for name, _ in requests_in(sent.id, sent.body))
        copies = 2 if "duplicate" in evidence.struck else 1
        yield from (f"{name} came back {times} times" for name, times in names.items() if times > calls * copies)


def gets_on(evidence: Evidence) -> Iterator[str]:
    """I10."""
    attempts: dict[str, int] = {}
    for delivery in deliveries(evidence):
        retried = [name for sent in delivery.put_back for name in _retried(sent, attempts)]
        if delivery.is_calm(evidence) and not delivery.of(Published) and not retried:
            yield f"{delivery.messages} messages were delivered for nothing"
    # A key that has expired is the same for the queue.
    denied = any(rule.service == "smq" or KINDS[rule.kind].sort == "caller" for rule in evidence.rules)
    for call in evidence.of(Invoked):
        if "NotFinished" in call.text and not denied:
            yield f"a batch comes again though the queue takes everything: {call.text}"


def _retried(sent: Sent, attempts: dict[str, int]) -> Iterator[str]:
    """Yield the requests of a message that goes back for one attempt more, and keep their attempts."""
    for name, request in requests_in(sent.id, sent.body):
        attempt = request.get("Attempt", 1) if isinstance(request, dict) else 1
        if attempt > attempts.get(name, 1):
            yield name
        attempts[name] = attempt
