"""What a run leaves behind in the local cloud's own records."""

import base64
import binascii
import contextlib
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from emulator.cloud import Cloud
from emulator.faults.plan import Plan, Rule
from emulator.iot.products import Module, Product
from emulator.iot.service import ApiCall
from emulator.records import Event, Invoked, Published

T = TypeVar("T")
Key = tuple[str | None, str, str]
"""Instance, product and case-folded name: what makes a module one."""
REQUESTS = "ota-module-requests"
LETTERS = "ota-module-dead-letters"


def key_of(request: Mapping[str, Any]) -> Key:
    return request.get("IotInstanceId"), str(request.get("ProductKey")), str(request.get("ModuleName")).casefold()


def read(body: str) -> Any:
    """Read a message's body as JSON, base64 or not; the text where it is no JSON."""
    with contextlib.suppress(binascii.Error, ValueError):
        body = base64.b64decode(body, validate=True).decode()
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def requests_in(message: str, body: str) -> list[tuple[str, object]]:
    """Name the requests of a message by the contract: by their own ids, or by the message's; an empty array is one."""
    content = read(body)
    if not isinstance(content, list) or not content:
        return [(_own_id(content) or message, content)]
    return [(_own_id(request) or f"{message}/{number}", request) for number, request in enumerate(content, 1)]


def _own_id(request: object) -> str | None:
    own = request.get("Id") if isinstance(request, dict) else None
    return own if isinstance(own, str) and own.isprintable() else None


def ids_in(letter: Mapping[str, Any]) -> list[str]:
    """Name the requests of a dead letter: of the function, which gives a reason, or of a stream: events that never ended."""
    if "Reason" in letter:
        return [letter["Request"]["Id"]]
    body = letter.get("data", {}).get("messageBody", "")
    return [name for name, _ in requests_in(letter.get("id", ""), body)]


@dataclass(frozen=True)
class Asked:
    """A request as it was sent; `answered` is the HTTP status that its sender was told last."""

    id: str
    request: Mapping[str, Any] = field(default_factory=dict)
    answered: int | None = None

    @property
    def key(self) -> Key:
        return key_of(self.request)

    @property
    def policy(self) -> str:
        return str(self.request.get("OnExisting", "keep"))

    @property
    def valid(self) -> bool:
        """Whether its module may be called so: nothing else is wrong with any request of these tests."""
        name = str(self.request.get("ModuleName", ""))
        return bool(re.fullmatch("[A-Za-z0-9._-]{1,64}", name)) and name.casefold() != "default"


@dataclass(frozen=True)
class Evidence:
    """All there is to say of a run; `rules` are those of its plan that struck."""

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
    limit: int
    plan: Plan = Plan()

    @property
    def struck(self) -> frozenset[str]:
        """The kinds of what went wrong."""
        return frozenset(rule.kind for rule in self.rules)

    @property
    def is_slowed(self) -> bool:
        """Whether the API asked for fewer calls: then a delivery may have to end before it has called."""
        return "throttle" in self.struck

    @property
    def is_repeated(self) -> bool:
        """Whether something was delivered, or arrived, more than once."""
        repeating = {"redeliver", "overlap", "duplicate", "twice", "kill", "drop", "reset", "refuse"}
        return bool(repeating & self.struck) or any(call.error for call in self.of(Invoked))

    @cached_property
    def outcomes(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """By the id of their request."""
        outcomes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for outcome in (read(event.body) for event in self.of(Published)):
            outcomes[outcome["causationid"]].append(outcome)
        return dict(outcomes)

    @cached_property
    def given_up(self) -> frozenset[str]:
        """The ids of requests in dead letters."""
        return frozenset(name for letter in self.letters for name in ids_in(letter))

    @cached_property
    def created(self) -> Mapping[Key, Sequence[ApiCall]]:
        return self._effects("CreateOTAModule")

    @cached_property
    def updated(self) -> Mapping[Key, Sequence[ApiCall]]:
        return self._effects("UpdateOTAModule")

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    def statuses(self, name: str) -> set[str]:
        """What was said of a request."""
        return {outcome["data"]["Status"] for outcome in self.outcomes.get(name, ())}

    def _effects(self, operation: str) -> Mapping[Key, Sequence[ApiCall]]:
        effects: dict[Key, list[ApiCall]] = defaultdict(list)
        for call in self.calls:
            if call.operation == operation and call.success:
                effects[key_of(call.parameters)].append(call)
        return dict(effects)


def module_of(products: Mapping[str, Product], key: Key) -> Module | None:
    product = products.get(key[1])
    return product.module(key[2]) if product and product.instance == key[0] else None


Gather = Callable[[Cloud, Sequence[Asked], Sequence[str]], Evidence]


def begin(cloud: Cloud, plan: Plan) -> Gather:
    """Set a plan of faults; return what ends it and gathers the evidence since."""
    events, calls, before = len(cloud.records.events), len(cloud.iot.calls), _products(cloud)
    letters = {letter.id for letter in cloud.smq.peek(LETTERS, 100_000)}
    mark = f"a run begins {uuid.uuid4()}"
    for deployed in cloud.fc.functions.values():
        deployed.lines.append(mark)
    cloud.faults.set(plan)

    def gather(cloud: Cloud, asked: Sequence[Asked], pages: Sequence[str]) -> Evidence:
        rules = [active.rule for active in cloud.faults if active.fired]
        cloud.faults.clear()
        return Evidence(
            asked=asked,
            events=cloud.records.events[events:],
            calls=cloud.iot.calls[calls:],
            before=before,
            after=_products(cloud),
            letters=[read(each.body) for each in cloud.smq.peek(LETTERS, 100_000) if each.id not in letters],
            lines=[line for deployed in cloud.fc.functions.values() for line in _lines_since(mark, deployed.lines)],
            pages=pages,
            secrets=[text for key in cloud.accounts.issued for text in (key.secret, key.token)],
            rules=rules,
            limit=cloud.iot.limit,
            plan=plan,
        )

    return gather


def _products(cloud: Cloud) -> Mapping[str, Product]:
    return {product.key: product for product in cloud.iot.products}


def _lines_since(mark: str, lines: Sequence[str]) -> Sequence[str]:
    """The lines behind a mark, or all where it was forgotten meanwhile."""
    kept = list(lines)
    return kept[kept.index(mark) + 1 :] if mark in kept else kept
