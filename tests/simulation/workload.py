"""What senders ask for: requests, in the messages in which they are sent; and what stands in the account before."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import NamedTuple

from tests.simulation.account import GOOD, NONE, OTHER, OVERDUE, WRONG, Key, Place, State
from tests.simulation.messages import mark
from tests.simulation.plan import Plan

LONG_AGO = -100 * 86_400.0
AGES = (1800.0, 2400.0, 86_400.0, 8 * 86_400.0)
"""Seconds: no call of a request that is sent now can have made a module of that age."""
INVALID: tuple[dict[str, str], ...] = (
    {"ModuleName": "Default"},
    {"ModuleName": "m 0", "AliasName": "no spaces"},
    {"Colour": "red"},
    {"ProductKey": ""},
)
"""Fields that make a request invalid."""
TWICE = '{"CorrelationId": "#%d#", "ProductKey": "a0", "ModuleName": "m0", "Desc": "a", "Desc": "b"}'
NO_NUMBER = '{"CorrelationId": "#%d#", "ProductKey": "a0", "ModuleName": "m0", "Desc": NaN}'
NO_NAME = '{"CorrelationId": "#%d#", "Id": "r%d", "ModuleName": 5}'
TOO_DEEP = f'{{"CorrelationId": "#%d#", "ModuleName": {"[" * 12_000}{"]" * 12_000}}}'
NO_JSON = "no JSON #%d#"
BROKEN_ELEMENTS = (TWICE, TWICE, NO_NUMBER, NO_NUMBER, NO_NAME, '"a text #%d#"')
"""Elements that are wrong by themselves, and harm no other in their array."""
BROKEN_MESSAGES = (NO_JSON, '{"ProductKey": "a0", "CorrelationId": "#%d#"', "", TOO_DEEP)
"""Messages that hold no request at all; the empty text stands for an array without elements."""


@dataclass
class Asked:
    """A request as its sender knows it: `text` stands in a message. `id` is the message's where the sender gave none."""

    number: int
    text: str
    body: dict[str, str]
    valid: bool = True
    policy: str = "keep"
    instance: str = NONE
    """The instance that it means."""
    id: str = ""

    @cached_property
    def key(self) -> Key:
        return self.instance, self.body["ProductKey"], self.body["ModuleName"].lower()

    @property
    def alias(self) -> str | None:
        return self.body.get("AliasName")

    @property
    def desc(self) -> str | None:
        return self.body.get("Desc")


class Letter(NamedTuple):
    """A message as it is sent: one request, or an array of them."""

    at: float
    requests: tuple[Asked, ...]
    array: bool

    @property
    def body(self) -> str:
        texts = [asked.text for asked in self.requests]
        return f"[{', '.join(texts)}]" if self.array else texts[0]

    def name(self, message: str) -> None:
        """Let the requests have the ids that the contract gives them."""
        for place, asked in enumerate(self.requests, 1):
            asked.id = asked.body.get("Id") or (f"{message}/{place}" if self.array else message)


class Work(NamedTuple):
    """What is to be done in a run."""

    letters: list[Letter]
    products: dict[Place, dict[str, State]]
    """The modules that each product has from the beginning."""
    colleague: Sequence[tuple[float, Key]] = ()
    """When somebody else creates which module, unless it is there."""


def broken(number: int, text: str) -> Asked:
    """Something that is no request."""
    return Asked(number, text.replace("%d", str(number)) or f"[{' ' * number}]", {}, valid=False)


class Workload:
    """What a plan asks for. Nearly every request has an alias of its own, so that what it made can be told."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.random = plan, Random(f"workload {plan.seed}")

    def work(self) -> Work:
        letters = list(self._draw_letters())
        return Work(letters, self._draw_products(letters), self._draw_colleague())

    def _draw_letters(self) -> Iterator[Letter]:
        plan, left = self.plan, self.plan.requests
        while left > 0:
            size = min(left, self.random.choice((1, 1, 1, 1, 5, plan.arrays)))
            requests = tuple(self._draw_request(left - place, alone=size == 1) for place in range(size))
            array = size > 1 or (requests[0].text.startswith("{") and self.random.random() < 0.1)
            yield Letter(self.random.uniform(0, plan.spread), requests, array)
            left -= size

    def _draw_products(self, letters: list[Letter]) -> dict[Place, dict[str, State]]:
        """Some products are full, or nearly."""
        plan, chance = self.plan, Random(f"products {self.plan.seed}")
        products: dict[Place, dict[str, State]] = {}
        for instance in (GOOD, OTHER, OVERDUE, *((NONE,) if plan.public else ())):
            for number in range(plan.products):
                count = chance.choice((0, 0, 1, 5, 9, 10))
                products[instance, f"a{number}"] = {f"M{name}": State(LONG_AGO) for name in range(count)}
        for asked in (asked for letter in letters for asked in letter.requests):
            if asked.valid and asked.body["ProductKey"] == f"alone{asked.number}" and asked.instance != WRONG:
                products[asked.key[:2]] = self._draw_earlier(asked, chance)
        return products if plan.public else {place: names for place, names in products.items() if place[0] != NONE}

    def _draw_earlier(self, asked: Asked, chance: Random) -> dict[str, State]:
        """The module that a request asks for, as somebody else made it: just so, or otherwise; or none."""
        if chance.random() >= self.plan.theirs:
            return {}
        desc = asked.desc if chance.random() < 0.6 else "otherwise"
        return {asked.body["ModuleName"]: State(-chance.choice(AGES), asked.alias or "", desc or "")}

    def _draw_colleague(self) -> list[tuple[float, Key]]:
        plan, chance = self.plan, Random(f"colleague {self.plan.seed}")
        made = []
        for _ in range(int(plan.colleague * plan.products * plan.names)):
            key = chance.choice((GOOD, NONE)), f"a{chance.randrange(plan.products)}", f"m{chance.randrange(plan.names)}"
            made.append((chance.uniform(0, plan.spread + 20), key))
        return made

    def _draw_request(self, number: int, *, alone: bool) -> Asked:
        plan, chance = self.plan, self.random
        if chance.random() < plan.malformed:
            return broken(
                number, chance.choice(BROKEN_MESSAGES if alone and chance.random() < 0.5 else BROKEN_ELEMENTS)
            )
        instance = self._draw_instance()
        body = {"CorrelationId": mark(number), **self._draw_module(number), "IotInstanceId": instance}
        if not instance:
            del body["IotInstanceId"]
        if chance.random() < 0.5:
            body["Id"] = f"r{number}"
        if chance.random() < 0.02:
            body.update(chance.choice(INVALID))
            return Asked(number, json.dumps(body), body, valid=False)
        policy = body.get("OnExisting") or plan.policy
        return Asked(number, json.dumps(body), body, policy=policy, instance=instance or plan.default)

    def _draw_instance(self) -> str:
        plan, chance = self.plan, self.random
        if chance.random() < plan.strangers:
            return chance.choice((WRONG, OVERDUE, NONE))
        if not plan.public or plan.default == WRONG:
            return chance.choice((GOOD, GOOD, OTHER))
        return chance.choice((NONE, NONE, NONE, GOOD))

    def _draw_module(self, number: int) -> dict[str, str]:
        plan, chance = self.plan, self.random
        optional = {"Desc": f"text {number}", "OnExisting": chance.choice(("keep", "update", "fail"))}
        more = {name: value for name, value in optional.items() if chance.random() < 0.5}
        if plan.apart or chance.random() < 0.05:
            # A module that nobody else asks for, sometimes without anything that tells who made it.
            alias = {"AliasName": f"alias{number}"} if chance.random() < 0.5 else {}
            return {"ProductKey": f"alone{number}", "ModuleName": "m", **alias, **more}
        product = f"a{chance.randrange(plan.products)}" if chance.random() < 0.98 else "unknown"
        # Names in another case mean the same module; m0 to m9 may be there from the beginning.
        name = f"{chance.choice('mM')}{chance.randrange(plan.names)}"
        return {"ProductKey": product, "ModuleName": name, "AliasName": f"alias{number}", **more}
