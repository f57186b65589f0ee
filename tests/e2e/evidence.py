"""What a run leaves behind in the local cloud's own records."""

import base64
import binascii
import contextlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulator.cloud import Cloud
from emulator.faults.plan import Rule
from emulator.iot.products import Product
from emulator.iot.service import ApiCall
from emulator.records import Event

Key = tuple[str | None, str, str]
"""Instance, product and case-folded name: what makes a module one."""
REQUESTS = "ota-module-requests"
LETTERS = "ota-module-dead-letters"


def key_of(request: Mapping[str, Any]) -> Key:
    return request.get("IotInstanceId"), str(request.get("ProductKey")), str(request.get("ModuleName")).casefold()


def read(body: str) -> Any:
    """A message's body as JSON, base64 or not; the text where it is no JSON."""
    with contextlib.suppress(binascii.Error, ValueError):
        body = base64.b64decode(body, validate=True).decode()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def numbered(body: object) -> list[tuple[int, object]]:
    """The elements of an array, from 1; what is no array, or holds nothing, is one."""
    return list(enumerate(body, 1)) if isinstance(body, list) and body else [(0, body)]


def name_of(request: object, message: str, number: int) -> str:
    """The id of a request in a message, by the contract: its own, or made of the message's."""
    own = request.get("Id") if isinstance(request, dict) else None
    return own if isinstance(own, str) and own.isprintable() and own else f"{message}/{number}" if number else message


@dataclass(frozen=True)
class Asked:
    """A request as it was sent; `answered` is the HTTP status that its sender was told last."""

    id: str
    request: Mapping[str, Any] = field(default_factory=dict)
    valid: bool = True
    answered: int | None = None

    @property
    def key(self) -> Key:
        return key_of(self.request)

    @property
    def policy(self) -> str:
        return str(self.request.get("OnExisting", "keep"))


@dataclass(frozen=True)
class Start:
    """Where the records stood before a run."""

    events: int
    calls: int
    mark: str
    letters: frozenset[str]
    products: Mapping[str, Product]

    @classmethod
    def of(cls, cloud: Cloud) -> "Start":
        mark = f"a run begins {uuid.uuid4()}"
        for deployed in cloud.fc.functions.values():
            deployed.lines.append(mark)
        return cls(
            len(cloud.records.events),
            len(cloud.iot.calls),
            mark,
            frozenset(letter.id for letter in _letters(cloud)),
            {product.key: product for product in cloud.iot.products},
        )


@dataclass(frozen=True)
class Evidence:
    """All there is to say of a run."""

    asked: Sequence[Asked]
    events: Sequence[Event]
    calls: Sequence[ApiCall]
    before: Mapping[str, Product]
    after: Mapping[str, Product]
    letters: Sequence[Mapping[str, Any]]
    lines: Sequence[str]
    pages: Sequence[str]
    secrets: Sequence[str]
    rules: Sequence[Rule]
    """Those that struck."""
    limit: int
    request_queue: str = REQUESTS

    @property
    def struck(self) -> frozenset[str]:
        """The kinds of what went wrong."""
        return frozenset(rule.kind for rule in self.rules)

    @property
    def is_slowed(self) -> bool:
        """Whether the API asked for fewer calls: then a delivery may have to end before it has called."""
        return "throttle" in self.struck

    @classmethod
    def since(
        cls, start: Start, cloud: Cloud, asked: Sequence[Asked], rules: Sequence[Rule], pages: Sequence[str] = ()
    ) -> "Evidence":
        return cls(
            asked=asked,
            events=cloud.records.events[start.events :],
            calls=cloud.iot.calls[start.calls :],
            before=start.products,
            after={product.key: product for product in cloud.iot.products},
            letters=[read(letter.body) for letter in _letters(cloud) if letter.id not in start.letters],
            lines=[line for deployed in cloud.fc.functions.values() for line in _after(start.mark, deployed.lines)],
            pages=pages,
            secrets=[text for key in cloud.accounts.issued for text in (key.secret, key.token)],
            rules=rules,
            limit=cloud.iot.limit,
        )


def _after(mark: str, lines: Iterable[str]) -> list[str]:
    """The lines behind a mark, or all where it was forgotten meanwhile."""
    found = list(lines)
    return found[found.index(mark) + 1 :] if mark in found else found


def _letters(cloud: Cloud) -> list[Any]:
    return cloud.smq.peek(LETTERS, 100_000)
