"""What each delivery of the request queue did, told from the order in which the local cloud recorded it.

A stream calls the function with one batch at a time, and deletes the batch in one go: all that happened since it deleted the
one before belongs to this one.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.faults.plan import KINDS
from emulator.records import Deleted, Event, Faulted, Invoked, Published, Sent
from tests.e2e.company import is_calm
from tests.e2e.evidence import Evidence, name_of, numbered, read


@dataclass
class Delivery:
    """A batch, from the call of the function to its deletion."""

    messages: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def put_back(self, evidence: Evidence) -> list[Sent]:
        """Messages that the function sent to the queue, and not their first sender."""
        began = min((call.began for call in self.of(Invoked)), default=math.inf)
        return [sent for sent in self.of(Sent) if sent.queue == evidence.request_queue and sent.moment >= began]

    def is_calm(self, evidence: Evidence) -> bool:
        """Whether the function was called once, succeeded, and nothing went wrong around it."""
        calls = self.of(Invoked)
        if len(calls) != 1 or calls[0].error or self.of(Faulted) or not is_calm(evidence) or evidence.is_slowed:
            return False
        return all(call.success for call in evidence.calls if calls[0].began <= call.moment <= calls[0].ended)


def deliveries(evidence: Evidence) -> Iterator[Delivery]:
    """Yield what became of each batch that was deleted."""
    current = Delivery()
    for event in evidence.events:
        if isinstance(event, Deleted) and event.queue == evidence.request_queue:
            current.messages.append(event.id)
            continue
        if current.messages:
            yield current
            current = Delivery()
        current.events.append(event)
    if current.messages:
        yield current


def never_longer(evidence: Evidence) -> Iterator[str]:
    """I9."""
    for delivery in deliveries(evidence):
        calls, back = len(delivery.of(Invoked)), delivery.put_back(evidence)
        # What the queue took without saying so is sent once more.
        if any(each.service == "smq" and each.reached for each in delivery.of(Faulted)):
            continue
        if len(back) > len(delivery.messages) * calls:
            yield f"{len(delivery.messages)} messages came back as {len(back)}"
        names = Counter(
            name_of(request, sent.id, number) for sent in back for number, request in numbered(read(sent.body))
        )
        copies = 2 if "duplicate" in evidence.struck else 1
        yield from (f"{name} came back {times} times" for name, times in names.items() if times > calls * copies)


def gets_on(evidence: Evidence) -> Iterator[str]:
    """I10."""
    attempts: dict[str, int] = {}
    for delivery in deliveries(evidence):
        retried = {name for sent in delivery.put_back(evidence) for name in _retried(sent, attempts)}
        if delivery.is_calm(evidence) and not delivery.of(Published) and not retried:
            yield f"{len(delivery.messages)} messages were delivered for nothing"
    # A key that has expired is the same for the queue.
    denied = any(rule.service == "smq" or KINDS[rule.kind].sort == "caller" for rule in evidence.rules)
    for call in evidence.events:
        if isinstance(call, Invoked) and "NotFinished" in call.text and not denied:
            yield f"a batch comes again though the queue takes everything: {call.text}"


def _retried(sent: Sent, attempts: dict[str, int]) -> Iterator[str]:
    """Yield the requests of a message that goes back for one attempt more, and keep their attempts."""
    for number, request in numbered(read(sent.body)):
        name, attempt = name_of(request, sent.id, number), request.get("Attempt", 1) if isinstance(request, dict) else 1
        if attempt > attempts.get(name, 1):
            yield name
        attempts[name] = attempt
