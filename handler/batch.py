"""Reads the messages of a delivery, one after another, and takes on no more requests than it may."""

from collections.abc import Sequence
from typing import NamedTuple

from handler.envelopes import unwrap
from handler.messages import Invalid, ModuleRequest
from handler.texts import Flaw, carriable, decode, write
from handler.triggers import Delivery


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
    messages: int
    left: Sequence[Delivery]
    ignored: Sequence[tuple[str, str]] = ()
    """Ids of messages, and why nothing is asked for in them."""


def take_on(deliveries: Sequence[Delivery], most: float) -> Batch:
    """The first message, and those behind it as long as all their requests together are at most so many."""
    items: list[Item] = []
    ignored: list[tuple[str, str]] = []
    for place, delivery in enumerate(deliveries):
        contents = delivery.open()
        if items and len(items) + len(contents.requests) > most:
            return Batch(items, place, deliveries[place:], ignored)
        ignored += [(delivery.id, reason) for reason in contents.ignored]
        for request, raw in zip(contents.requests, contents.raw, strict=True):
            is_body = len(contents.requests) == 1 and _is_body(raw, several=contents.several)
            text = _as_text(delivery.body) if is_body else _kept(request, raw)
            items.append(Item(request, len(items), place, text, is_body))
    return Batch(items, len(deliveries), (), ignored)


def _is_body(raw: object, *, several: bool) -> bool:
    """Whether what a request was read from is all of its message, or cannot be told from the rest."""
    return isinstance(raw, Flaw) or not (several or isinstance(raw, dict))


def _kept(request: ModuleRequest | Invalid, raw: object) -> str:
    return write(_named(raw, request.Id)) if isinstance(request, Invalid) else ""


def _named(raw: object, name: str | None) -> object:
    """A request under the Id that it has by its message, unless it has one of its own."""
    return {**raw, "Id": name} if isinstance(raw, dict) and "Id" not in raw and unwrap(raw) is None else raw


def with_ids(delivery: Delivery, largest: int) -> tuple[str, int]:
    """A message's body as it came, under the Ids that its requests have by its own where they fit into so many bytes; and the
    number of requests in it."""
    as_it_came = _as_text(delivery.body)
    objects = as_it_came.split("{")[1:]
    missing = sum('"Id":' not in each for each in objects)
    size = len(as_it_came) + missing * len(f',"Id":"{delivery.id}/1"')
    if objects and as_it_came[:1] == "[" and (not missing or size > largest):
        return as_it_came, len(objects)  # parsing costs a small instance more than all else that is done for it
    value = decode(delivery.body)
    elements = value if isinstance(value, list) else [value]
    if elements and all(isinstance(each, dict) and unwrap(each) is None for each in elements):
        names = [f"{delivery.id}/{number}" for number in range(1, len(elements) + 1)]
        several = [_named(each, name) for each, name in zip(elements, names, strict=True)]
        text, count = write(several if isinstance(value, list) else _named(value, delivery.id)), len(elements)
    else:
        text, count = _without_envelopes(delivery)
    fits = text and len(text.encode("utf-8", "replace")) <= largest
    return text if fits else as_it_came, count


def texts_of(delivery: Delivery) -> Sequence[str]:
    """Each request in a message as JSON that means the same in an array of another message; none where it has no such form."""
    requests, raw, _, several = delivery.open()
    if not several and any(isinstance(each, Flaw) for each in raw):
        return ()
    return [
        write(each.model_dump(exclude_none=True, exclude_defaults=True))
        if isinstance(each, ModuleRequest)
        else _kept(each, origin)
        for each, origin in zip(requests, raw, strict=True)
    ]


def _without_envelopes(delivery: Delivery) -> tuple[str, int]:
    """The requests in a message: its envelopes would give them other Ids in another message. Empty where it has no other form."""
    requests, _, _, several = delivery.open()
    texts = texts_of(delivery)
    return (f"[{','.join(texts)}]" if several and texts else "".join(texts)), len(requests)


def _as_text(body: object) -> str:
    if isinstance(body, bytes | bytearray):
        return body.decode("utf-8", "replace")
    return carriable(body) if isinstance(body, str) else write(body)
