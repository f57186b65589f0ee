"""Puts unfinished requests back into the request queue, in no more messages than they came in.

The rest of one message goes back as one message for each pause; requests for one module stay together, in order.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from handler.batch import Item, count_bytes, pack, portions, size_joined, split_message
from handler.messages import Invalid
from handler.outcomes import Unfinished
from handler.retry import MISCONFIGURED, NO_TIME, PUBLISH, Pause, Random, pause_after_attempt, pause_by_age
from handler.smq import LARGEST_BATCH, LARGEST_MESSAGE, Message, Outbox
from handler.steps import reached
from handler.threads import Pool
from handler.triggers import Delivery

LARGEST_BODY = LARGEST_MESSAGE // 4 * 3
"""Bytes of a body before it is encoded as base64."""


class Chain(NamedTuple):
    """Unfinished requests for one module, in order, as JSON; or a body without requests, as it came."""

    message: int
    pause: Pause
    elements: Sequence[str]
    is_body: bool = False


def build_chain(unfinished: Sequence[tuple[Item, Unfinished]], now: float) -> Chain:
    """Chain what is left of a lane. `now`: unix seconds."""
    item, first = unfinished[0]
    if item.is_body:
        return Chain(item.message, _pause(first, now), [item.raw], is_body=True)
    elements = [
        item.raw if isinstance(left.request, Invalid) else left.request.write_again(now, left.known, counts=left.counts)
        for item, left in unfinished
    ]
    return Chain(item.message, _pause(first, now), elements)


def _pause(unfinished: Unfinished, now: float) -> Pause:
    if unfinished.counts:
        return pause_after_attempt(unfinished.request.Attempt)
    if unfinished.reason == "misconfigured":
        return MISCONFIGURED
    if unfinished.reason != "sink":
        return NO_TIME
    since = unfinished.request.Since
    return pause_by_age(0.0 if since is None else max(now - since, 0.0))


def build_whole_messages(deliveries: Sequence[Delivery], random: Random) -> tuple[list[Message], int]:
    """Return the messages that put whole deliveries back, and the number of requests in them."""
    wholes = [split_message(delivery, LARGEST_BODY) for delivery in deliveries]
    back = [Message(body, NO_TIME.draw(random)) for bodies, _ in wholes for body in bodies]
    return back, sum(requests for _, requests in wholes)


def build_messages(chains: Sequence[Chain], most: int, random: Random) -> list[Message]:
    """Return the messages that put chains back: at most `most`, unless they are too large for that."""
    bodies = [each for each in chains if each.is_body]
    whole = [Message(each.elements[0], each.pause.draw(random)) for each in bodies]
    groups = _group_by_pause([each for each in chains if not each.is_body], max(most - len(bodies), 1))
    return whole + [message for group in groups for message in _pack_group(group, random)]


def _group_by_pause(chains: Sequence[Chain], most: int) -> list[list[Chain]]:
    """Group chains that go back with one pause."""
    groups = _group(chains, lambda each: (each.message, each.pause))
    if len(groups) > most:
        groups = _group(chains, lambda each: each.pause)
    groups.sort(key=lambda group: _longest(group[0].pause))
    excess = len(groups) - most
    if excess > 0:
        groups[: excess + 1] = [[each for group in groups[: excess + 1] for each in group]]
    return groups


def _group(chains: Sequence[Chain], key: Callable[[Chain], object]) -> list[list[Chain]]:
    groups: dict[object, list[Chain]] = {}
    for each in chains:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def _shared_pause(group: Sequence[Chain]) -> Pause:
    """Choose one pause for all: coming early costs only a call, unless it costs an attempt."""
    pauses = [each.pause for each in group]
    counted = [pause for pause in pauses if pause.counts]
    return max(counted, key=_longest) if counted else min(pauses, key=_longest)


def _longest(pause: Pause) -> float:
    return pause.most


def _pack_group(group: Sequence[Chain], random: Random) -> list[Message]:
    delay = _shared_pause(group).draw(random)
    elements = [element for each in group for element in each.elements]
    # Any other element means something else outside of an array.
    is_object = len(elements) == 1 and elements[0].startswith("{")
    return [Message(body, delay) for body in (elements if is_object else pack(_join_elements(group), LARGEST_BODY))]


def _join_elements(chains: Sequence[Chain]) -> Iterator[str]:
    """Join the elements of each chain into one text, if it fits into a message."""
    for each in chains:
        text = ",".join(each.elements)
        yield from [text] if size_joined(text) <= LARGEST_BODY - len("[]") else each.elements


class Sender(NamedTuple):
    """Sends messages to the request queue, in batches, side by side."""

    outbox: Outbox
    pool: Pool

    def send(self, back: Sequence[Message]) -> list[Message]:
        """Send messages once, and stop after a refusal; return those that the queue did not take."""
        refused: list[Message] = []

        def send(batch: Sequence[Message]) -> None:
            refused.extend(batch if refused else self._send(batch))

        self.pool([partial(send, batch) for batch in portions(back, _encoded_size, LARGEST_MESSAGE, LARGEST_BATCH)])
        return refused

    def send_all(self, back: Sequence[Message], *, has_sent: bool) -> bool:
        """Send messages; return whether the queue took all. Once it took any (`has_sent`: before these), retry the rest while
        time is left, since an error would have the whole batch delivered again."""
        refused = self.send(back)
        for failures in count(1):
            has_sent = has_sent or len(refused) < len(back)
            pause = PUBLISH.pause(failures, self.outbox.random)
            if not (refused and has_sent) or self.outbox.clock.now() + pause >= self.outbox.until:
                break
            self.outbox.clock.sleep(pause)
            refused = self.send(refused)
        return not refused

    def _send(self, batch: Sequence[Message]) -> Sequence[Message]:
        try:
            refused = self.outbox.put_back(batch)
        except Exception as error:  # noqa: BLE001 - what is not surely put back must come again
            self.outbox.log.fault(error)
            return batch
        if not refused:
            reached("put back")
        return refused


def _encoded_size(message: Message) -> int:
    return -(-count_bytes(message.body) // 3) * 4
