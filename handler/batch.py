"""Reads the messages of a delivery, one after another, and takes on no more requests than it may."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from handler.messages import Contents, Invalid, ModuleRequest
from handler.texts import Flaw, carriable, write
from handler.triggers import Delivery

T = TypeVar("T")


class Item(NamedTuple):
    """A request, and where it came from."""

    request: ModuleRequest | Invalid
    place: int
    """In the batch."""
    message: int
    """The place of its message."""
    raw: str = ""
    """Of an invalid request, the JSON that it was read from, with its Id; or a message's whole body (`is_body`)."""
    is_body: bool = False


class Batch(NamedTuple):
    """What a delivery takes on, and the messages that it leaves alone."""

    items: Sequence[Item]
    taken: Sequence[Delivery]
    left: Sequence[Delivery] = ()
    ignored: Sequence[tuple[str, str]] = ()
    """Ids of messages, and why nothing is asked for in them."""

    def oldest(self) -> float | None:
        """Since when something has been waiting, in unix seconds, where anything says so."""
        sent = (delivery.published for delivery in (*self.taken, *self.left))
        put_back = (item.request.Since for item in self.items)
        return min((moment for moment in (*sent, *put_back) if moment is not None), default=None)


def take_on(deliveries: Sequence[Delivery], most: float) -> Batch:
    """The first message, and those behind it as long as all their requests together are at most so many."""
    items: list[Item] = []
    ignored: list[tuple[str, str]] = []
    for place, delivery in enumerate(deliveries):
        contents = delivery.open()
        if items and len(items) + len(contents.parts) > most:
            return Batch(items, deliveries[:place], deliveries[place:], ignored)
        ignored += [(delivery.id, reason) for reason in contents.ignored]
        body = _as_text(delivery.body) if _is_one_thing(contents) else None
        for request, part in zip(contents.requests(), contents.parts, strict=True):
            raw = write(part.value) if isinstance(request, Invalid) else ""
            items.append(Item(request, len(items), place, raw if body is None else body, body is not None))
    return Batch(items, deliveries, (), ignored)


def _is_one_thing(contents: Contents) -> bool:
    """Whether a message holds no object of its own and no array, or nobody can tell what it holds."""
    values = [part.value for part in contents.parts]
    return len(values) == 1 and (isinstance(values[0], Flaw) or not (contents.several or isinstance(values[0], dict)))


def whole(delivery: Delivery, largest: int) -> tuple[Sequence[str], int]:
    """A message as bodies of at most so many bytes, and the number of requests in it: as it came where another message cannot say
    the same, else under the Ids that its requests have by its own; in parts only where they do not fit otherwise."""
    as_it_came = _as_text(delivery.body)
    objects = as_it_came.split("{")[1:]
    has_ids = as_it_came[:1] == "[" and objects and all('"Id":' in each for each in objects)
    if has_ids and count_bytes(as_it_came) <= largest:
        return [as_it_came], len(objects)  # parsing costs a small instance more than all else that is done for it
    contents = delivery.open()
    texts = [write(part.value) for part in contents.parts]
    bodies = pack(texts, largest) if contents.several else texts
    fits = bodies and not _is_one_thing(contents) and all(count_bytes(body) <= largest for body in bodies)
    return (bodies if fits else [as_it_came]), len(texts)


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


def pack(elements: Iterable[str], largest: int) -> list[str]:
    """Put JSON texts into arrays of at most so many bytes."""
    return [join(portion) for portion in portions(elements, size_joined, largest - len("[]"))]


def join(elements: Sequence[str]) -> str:
    """An array of JSON texts."""
    return f"[{','.join(elements)}]"


def size_joined(element: str) -> int:
    """Bytes of an element in an array."""
    return count_bytes(element) + len(",")


def count_bytes(text: str) -> int:
    """Bytes of a text as UTF-8."""
    return len(text.encode("utf-8", "replace"))


def _as_text(body: object) -> str:
    if isinstance(body, bytes | bytearray):
        return body.decode("utf-8", "replace")
    return carriable(body) if isinstance(body, str) else write(body)
