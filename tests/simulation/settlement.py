"""What an invocation leaves behind when it ends.

I1   Every request ends in an outcome, or in the dead-letter queue with its reason; nothing of it is lost on the way. Only a
     delivery in which it was tried costs it an attempt: not one that never called, that the deployment kept from calling, or
     whose outcome the topic did not take.
I5   Nothing is acknowledged before its outcome was accepted by the topic, or the request by the queue once more.
I9   No delivery lengthens the queue: what goes back is what came, in no more messages than it came in.
I10  Every delivery gets on: where nothing is wrong it finishes a request, or has used up an attempt of one; and it raises only
     where the queue does not take something back.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from tests.simulation.account import Invocation, Key
from tests.simulation.messages import Entry, Message, read
from tests.simulation.records import History, Records, identify
from tests.support.scheduler import Violation

HARMLESS = {"done", "refused"}
MARGIN = 4.0
"""Seconds before its timeout at which a delivery begins no call that would take long."""
SLOWED = 60.0
"""Seconds after a throttle in which an instance may be slower than its share."""


@dataclass
class Settlement:
    """Judges what goes back, what is given up, and what an invocation has to show for its end. All may raise Violation."""

    records: Records

    def put_back(self, name: str, body: str) -> Message:
        """The queue takes a message once more."""
        invocation, entries, asked = self.records.invocation, read(body), self.records.asked
        histories = {entry.number: asked[entry.number] for entry in entries}
        doubtful = frozenset(number for number, history in histories.items() if self._is_doubtful(invocation, history))
        message = Message(name, body, entries, doubtful)
        for entry in entries:
            history = histories[entry.number]
            if problem := self._find_change(history, entry):
                raise Violation(f"I1: {history.asked.id} is put back, but {problem}")
            history.repeated |= entry.number in invocation.back or entry.replay in history.letters
            if history.since is None:
                history.since = self.records.scheduler.time
        if not (invocation.calls or invocation.published or invocation.unpublished):
            invocation.untouched |= histories.keys()
            for history in histories.values():
                history.deliveries -= 1  # it is as if it had stayed in the queue
        invocation.put_back.append(message)
        for entry in entries:
            invocation.back[entry.number].append(entry)
        self.records.names.update(message.ids)
        self.records.note("put back", name, [(histories[each.number].asked.id, each.attempt) for each in entries])
        return message

    def _is_doubtful(self, invocation: Invocation, history: History) -> bool:
        return history.asked.valid and identify(invocation, history.asked) in self.records.doubts

    def _find_change(self, history: History, entry: Entry) -> str | None:
        asked, delivered = history.asked, self.records.invocation.entries.get(entry.number)
        if delivered is None:
            return "it was not delivered"
        if not asked.valid:
            return None
        body = {**asked.body, "Id": asked.id}
        if {name: entry.get(name) for name in body} != body:
            return f"as {entry.fields}"
        since = (None, entry.get("Since"))
        if not any(entry.replay == each.replay and each.get("Since") in since for each in delivered):
            return "without what was known of it"
        if history.doubts and not history.repeated and not entry.get("Tried"):
            return "without a word of the call whose effect is unknown"
        return self._find_miscount(history, entry, [each.attempt for each in delivered])

    def _find_miscount(self, history: History, entry: Entry, before: Sequence[int]) -> str | None:
        invocation = self.records.invocation
        if entry.attempt in before:
            return None
        if entry.attempt - 1 not in before:
            return f"for attempt {entry.attempt}, and {before} were delivered"
        heard = {call.heard for call in invocation.calls_for(history.asked.key)}
        if entry.number in invocation.unpublished:
            return "at the cost of an attempt, because its outcome was not taken"
        if not heard - {"denied"} and not invocation.disturbed:
            return "at the cost of an attempt in which it was " + ("kept from calling" if heard else "never called")
        return None

    def give_up(self, body: str) -> History:
        """The dead-letter queue takes a request."""
        letter = json.loads(body)
        (entry,) = read(json.dumps(letter["Request"]))
        history = self.records.asked[entry.number]
        if not letter.get("Reason"):
            raise Violation(f"I1: a dead letter of {history.asked.id} without a reason")
        history.repeated |= entry.replay in history.letters
        history.letters.add(entry.replay)
        self.records.invocation.given_up.add(entry.number)
        self.records.note("dead letter", history.asked.id, letter["Reason"], letter["Detail"])
        return history

    def refuse(self, invocation: Invocation) -> None:
        """The function says that the batch must come again."""
        if not (invocation.queue_failed or invocation.queue_refused):
            raise Violation("I10: a batch comes again although the queue took everything")
        if invocation.put_back and not invocation.queue_failed and not self._is_late(invocation):
            raise Violation(f"I9: {len(invocation.put_back)} messages go back, and the whole batch comes again besides")

    def acknowledge(self, invocation: Invocation) -> None:
        """The platform believes that a batch is done."""
        self.records.note("acknowledge", invocation.number)
        for problem in self._find_problems(invocation):
            raise Violation(problem)

    def _find_problems(self, invocation: Invocation) -> Iterator[str]:
        for number in invocation.entries.keys() - invocation.back.keys() - invocation.published - invocation.given_up:
            yield f"I5: {self.records.asked[number].asked.id} is acknowledged, with no outcome and not put back"
        if not invocation.queue_failed:
            yield from self._find_growth(invocation)
        yield from self._find_disorder(invocation)
        yield from self._find_standstill(invocation)

    def _find_growth(self, invocation: Invocation) -> Iterator[str]:
        for number, entries in invocation.back.items():
            if len(entries) > len(invocation.entries[number]):
                yield f"I9: {self.records.asked[number].asked.id} is put back {len(entries)} times"
        if len(invocation.put_back) > len(invocation.messages):
            yield f"I9: {len(invocation.messages)} messages go back as {len(invocation.put_back)}"

    def _find_disorder(self, invocation: Invocation) -> Iterator[str]:
        """Once a request is unfinished, those behind it for the same module are unfinished, too, and travel with it; only
        messages that the delivery does not take on go back as they are."""
        lanes: dict[Key, list[int]] = defaultdict(list)
        for number in invocation.entries:
            if (asked := self.records.asked[number].asked).valid:
                lanes[asked.key].append(number)
        for numbers in lanes.values():
            left = [number for number in numbers if number in invocation.back and number not in invocation.published]
            if not left or len(numbers) == 1:
                continue
            if overtaking := [each for each in numbers[numbers.index(left[0]) :] if each in invocation.published]:
                yield f"I5: {overtaking} overtook {left[0]}"
            tried = [number for number in left if number not in invocation.untouched]
            if not invocation.queue_failed and not any(_travels(message, tried) for message in invocation.put_back):
                yield f"I5: {tried} want the same module and do not go back together, in order"

    def _find_standstill(self, invocation: Invocation) -> Iterator[str]:
        delivered, records = invocation.entries, self.records
        if any(entries[0].attempt > delivered[number][0].attempt for number, entries in invocation.back.items()):
            return
        # An instance that was throttled calls so seldom that a short delivery may end before its first slot.
        slowed = invocation.began - records.throttled.get(invocation.instance, -SLOWED) < SLOWED
        # Three calls of one request may take longer than the shortest of timeouts.
        late = self._is_late(invocation) and (invocation.calls or slowed)
        calls = chain.from_iterable(invocation.calls.values())
        trouble = late or invocation.disturbed or invocation.unpublished or invocation.queue_failed
        if not (trouble or invocation.published or any(call.heard not in HARMLESS for call in calls)):
            yield "I10: nothing went wrong, and nothing was finished"

    def _is_late(self, invocation: Invocation) -> bool:
        return self.records.scheduler.time - invocation.began > self.records.plan.timeout - MARGIN

    def end(self) -> None:
        """All is over."""
        for history in self.records.asked.values():
            if not history.events and not history.letters:
                raise Violation(f"I1: {history.asked.id} has neither an outcome nor a dead letter")


def _travels(message: Message, numbers: Sequence[int]) -> bool:
    """Whether a message holds these requests, in this order."""
    return list(dict.fromkeys(entry.number for entry in message.entries if entry.number in numbers)) == list(numbers)
