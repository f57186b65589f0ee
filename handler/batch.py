"""Reads the messages of a delivery in order, up to a number of requests."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from handler.messages import Contents, Invalid, ModuleRequest
from handler.texts import Flaw, escape_surrogates, write
from handler.triggers import Delivery

T = TypeVar("T")


class Item(NamedTuple):
    """A request, and where it came from."""

    request: ModuleRequest | Invalid
    place: int
    """Index in the batch."""
    message: int
    """Index of its message."""
    raw: str = ""
    """An invalid request's JSON, Id included; or a message's whole body (`is_body`)."""
    is_body: bool = False


class Batch(NamedTuple):
    """The requests that a delivery takes on, and the messages that it leaves."""

    items: Sequence[Item]
    taken: Sequence[Delivery]
    left: Sequence[Delivery] = ()
    ignored: Sequence[tuple[str, str]] = ()
    """Ids of messages without a request, and the reason."""

    def oldest(self) -> float | None:
        """Return when the oldest request was first sent, in unix seconds; None if nothing tells."""
        sent = (delivery.published for delivery in (*self.taken, *self.left))
        put_back = (item.request.Since for item in self.items)
        return min((moment for moment in (*sent, *put_back) if moment is not None), default=None)


def take_on(deliveries: Sequence[Delivery], most: float) -> Batch:
    """Take the first message, and those after it while all their requests together are at most `most`."""
    items: list[Item] = []
    ignored: list[tuple[str, str]] = []
    for place, delivery in enumerate(deliveries):
        contents = delivery.open()
        if items and len(items) + len(contents.parts) > most:
            return Batch(items, deliveries[:place], deliveries[place:], ignored)
        ignored += [(delivery.id, reason) for reason in contents.ignored]
        body = _to_text(delivery.body) if _is_one_thing(contents) else None
        for request, part in zip(contents.requests(), contents.parts, strict=True):
            raw = write(part.value) if isinstance(request, Invalid) else ""
            items.append(Item(request, len(items), place, raw if body is None else body, body is not None))
    return Batch(items, deliveries, (), ignored)


def _is_one_thing(contents: Contents) -> bool:
    """Tell whether a message can only go back as it came: it holds no object and no array, or is unreadable."""
    values = [part.value for part in contents.parts]
    return len(values) == 1 and (isinstance(values[0], Flaw) or not (contents.several or isinstance(values[0], dict)))


def split_message(delivery: Delivery, largest: int) -> tuple[Sequence[str], int]:
    """Return a message as bodies of at most `largest` bytes, each request with its Id, and the number of requests; one body as it
    came if it holds no object or cannot be split so. Several bodies only where one would be too large."""
    as_it_came = _to_text(delivery.body)
    objects = as_it_came.split("{")[1:]
    has_ids = as_it_came[:1] == "[" and objects and all('"Id":' in each for each in objects)
    if has_ids and count_bytes(as_it_came) <= largest:
        return [as_it_came], len(objects)  # on a small instance, parsing costs more than everything else here
    contents = delivery.open()
    texts = [write(part.value) for part in contents.parts]
    bodies = pack(texts, largest) if contents.several else texts
    fits = bodies and not _is_one_thing(contents) and all(count_bytes(body) <= largest for body in bodies)
    return (bodies if fits else [as_it_came]), len(texts)


def portions(
    things: Iterable[T], size: Callable[[T], int], largest: int, most: float = float("inf")
) -> Iterator[list[T]]:
    """Group things in order: at most `most` in a group, and at most `largest` in total size."""
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
    """Put JSON texts into arrays of at most `largest` bytes."""
    return [join(portion) for portion in portions(elements, size_joined, largest - len("[]"))]


def join(elements: Sequence[str]) -> str:
    """Join JSON texts into an array."""
    return f"[{','.join(elements)}]"


def size_joined(element: str) -> int:
    """Count an element's bytes within an array."""
    return count_bytes(element) + len(",")


def count_bytes(text: str) -> int:
    """Count a text's bytes as UTF-8."""
    return len(text.encode("utf-8", "replace"))


def _to_text(body: object) -> str:
    if isinstance(body, bytes | bytearray):
        return body.decode("utf-8", "replace")
    return escape_surrogates(body) if isinstance(body, str) else write(body)
