"""Sends what is not finished to the request queue again, in no more messages than it came in.

What is left of one message goes back as one message for each pause, requests for one module together and in their order.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from handler.batch import Item, texts_of, with_ids
from handler.errors import NotFinished
from handler.faults import log_fault
from handler.invocation import Invocation
from handler.messages import Invalid
from handler.outcomes import Unfinished
from handler.retry import MISCONFIGURED, NO_TIME, Pause, Random, pause_after_attempt, pause_by_age
from handler.smq import LARGEST_BATCH, LARGEST_MESSAGE, Message
from handler.steps import reached
from handler.threads import Pool
from handler.triggers import Delivery

T = TypeVar("T")

LARGEST_BODY = LARGEST_MESSAGE // 4 * 3
"""Bytes of a body before it is encoded as base64."""


class Chain(NamedTuple):
    """Requests for one module that are not finished, in their order, as JSON; or a body that is none, as it came."""

    message: int
    pause: Pause
    elements: Sequence[str]
    is_body: bool = False


def chain(unfinished: Sequence[tuple[Item, Unfinished]], now: float) -> Chain:
    """What is left of a lane. `now`: unix seconds."""
    item, first = unfinished[0]
    if item.is_body:
        return Chain(item.message, _pause(first, now), [item.raw], is_body=True)
    return Chain(item.message, _pause(first, now), [_element(item, each, now) for item, each in unfinished])


def _element(item: Item, unfinished: Unfinished, now: float) -> str:
    request = unfinished.request
    return item.raw if isinstance(request, Invalid) else unfinished.again(now)


def _pause(unfinished: Unfinished, now: float) -> Pause:
    if unfinished.counts:
        return pause_after_attempt(unfinished.request.Attempt)
    if unfinished.reason == "misconfigured":
        return MISCONFIGURED
    if unfinished.reason != "sink":
        return NO_TIME
    since = None if isinstance(unfinished.request, Invalid) else unfinished.request.Since
    return pause_by_age(0.0 if since is None else max(now - since, 0.0))


class Group(NamedTuple):
    """Chains that go back with one pause."""

    pause: Pause
    chains: Sequence[Chain]


def messages(chains: Sequence[Chain], most: int, random: Random) -> list[Message]:
    """The messages in which chains go back: `most` at most, unless they are too large for that."""
    bodies = [each for each in chains if each.is_body]
    whole = [Message(each.elements[0], each.pause.draw(random)) for each in bodies]
    groups = _grouped([each for each in chains if not each.is_body], most - len(bodies))
    return whole + [message for group in groups for message in _packed(group, random)]


def _grouped(chains: Sequence[Chain], most: int) -> list[Group]:
    groups = _by(chains, lambda each: (each.message, each.pause))
    if len(groups) > most:
        groups = _by(chains, lambda each: each.pause)
    groups.sort(key=lambda group: group.pause.most)
    while len(groups) > max(most, 1):
        first, second, *others = groups
        groups = [Group(_joined(first.pause, second.pause), [*first.chains, *second.chains]), *others]
    return groups


def _by(chains: Sequence[Chain], key: Callable[[Chain], object]) -> list[Group]:
    found: dict[object, list[Chain]] = {}
    for each in chains:
        found.setdefault(key(each), []).append(each)
    return [Group(same[0].pause, same) for same in found.values()]


def _joined(first: Pause, second: Pause) -> Pause:
    """One pause for two groups: to come early costs nothing but a call, unless it costs an attempt."""
    counted = [pause for pause in (first, second) if pause.counts]
    return max(counted, default=min(first, second, key=_longest), key=_longest)


def _longest(pause: Pause) -> float:
    return pause.most


def _packed(group: Group, random: Random) -> Iterator[Message]:
    delay = group.pause.draw(random)
    elements = [element for each in group.chains for element in each.elements]
    if len(elements) == 1 and elements[0].startswith("{"):  # anything else would be another thing outside of an array
        yield Message(elements[0], delay)
        return
    for portion in portions(_together(group.chains), _size, LARGEST_BODY - len("[]")):
        yield Message(f"[{','.join(portion)}]", delay)


def _together(chains: Sequence[Chain]) -> Iterator[str]:
    """The elements of each chain as one text, as long as it fits into a message."""
    for each in chains:
        text = ",".join(each.elements)
        yield from [text] if _size(text) <= LARGEST_BODY - len("[]") else each.elements


def _size(text: str) -> int:
    return _bytes(text) + len(",")


def portions(
    things: Iterable[T], size: Callable[[T], int], largest: int, most: float = float("inf")
) -> Iterator[list[T]]:
    """Things in their order, as many together as fit."""
    portion: list[T] = []
    total = 0
    for thing in things:
        if portion and (total + size(thing) > largest or len(portion) >= most):
            yield portion
            portion, total = [], 0
        portion.append(thing)
        total += size(thing)
    if portion:
        yield portion


class Sender:
    """Sends messages to the request queue, in batches, side by side; none any more once one was not taken."""

    def __init__(self, invocation: Invocation, pool: Pool, random: Random) -> None:
        self._invocation = invocation
        self._pool = pool
        self._random = random
        self._refused = threading.Event()

    def send(self, back: Sequence[Message]) -> bool:
        """Whether all were taken."""
        batches = portions(back, _encoded_size, LARGEST_MESSAGE, LARGEST_BATCH)
        self._pool([partial(self._send, batch) for batch in batches])
        return not self._refused.is_set()

    def send_whole(self, deliveries: Sequence[Delivery]) -> int:
        """Send messages as they came; returns the number of requests in them.

        Raises: NotFinished: the queue did not take them all.
        """
        requests, back = 0, []
        for delivery in deliveries:
            body, count = with_ids(delivery, LARGEST_BODY)
            bodies = [body] if _bytes(body) <= LARGEST_BODY else _divided(delivery) or [body]
            back += [Message(each, NO_TIME.draw(self._random)) for each in bodies]
            requests += count
        if not self.send(back):
            raise NotFinished(requests, f"{len(back)} messages were too many, and the queue did not take them back")
        return requests

    def _send(self, batch: Sequence[Message]) -> None:
        if self._refused.is_set():
            return
        try:
            refused = self._invocation.sinks.put_back(batch)
        except Exception as error:  # noqa: BLE001 - what is not surely put back must come again
            log_fault(self._invocation.log, error)
            refused = list(batch)
        if refused:
            self._refused.set()
        else:
            reached("put back")


def _divided(delivery: Delivery) -> list[str]:
    """A message's requests as several bodies, where base64 would make one too large for SMQ."""
    return [f"[{','.join(portion)}]" for portion in portions(texts_of(delivery), _size, LARGEST_BODY - len("[]"))]


def _encoded_size(message: Message) -> int:
    return -(-_bytes(message.body) // 3) * 4


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
