"""What senders ask for: requests, in the messages in which they are sent; and what stands in the account before."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import NamedTuple, Protocol

from tests.simulation.malformed import BROKEN_ELEMENTS, BROKEN_MESSAGES, INVALID
from tests.simulation.messages import mark
from tests.simulation.modules import GOOD, NONE, OTHER, OVERDUE, WRONG, Key, Place, State
from tests.simulation.plan import Plan

LONG_AGO = -100 * 86_400.0
AGES = (1800.0, 2400.0, 86_400.0, 8 * 86_400.0)
"""Seconds: no call of a request that is sent now can have made a module of that age."""


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


class Work(Protocol):
    """What is to be done in a run."""

    def products(self) -> dict[Place, dict[str, State]]:
        """The modules that each product has from the beginning."""
        ...

    def letters(self) -> list[Letter]: ...

    def colleague(self) -> list[tuple[float, Key, State]]:
        """When somebody else creates which module, unless it is there."""
        ...


@dataclass
class Workload:
    """What a plan asks for. Nearly every request has an alias of its own, so that what it made can be told."""

    plan: Plan
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(f"workload {self.plan.seed}")
        self._letters = list(self._drawn())

    def products(self) -> dict[Place, dict[str, State]]:
        """Some products are full, or nearly."""
        plan, chance = self.plan, Random(f"products {self.plan.seed}")
        found: dict[Place, dict[str, State]] = {}
        for instance in (GOOD, OTHER, OVERDUE, *((NONE,) if plan.public else ())):
            for number in range(plan.products):
                count = chance.choice((0, 0, 1, 5, 9, 10))
                found[instance, f"a{number}"] = {f"M{name}": State(LONG_AGO) for name in range(count)}
        for letter in self._letters:
            for asked in letter.requests:
                if asked.valid and asked.body["ProductKey"] == f"alone{asked.number}" and asked.instance != WRONG:
                    found[asked.key[:2]] = self._beforehand(asked, chance)
        return found if plan.public else {place: names for place, names in found.items() if place[0] != NONE}

    def letters(self) -> list[Letter]:
        return self._letters

    def colleague(self) -> list[tuple[float, Key, State]]:
        plan, chance = self.plan, Random(f"colleague {self.plan.seed}")
        made = []
        for _ in range(int(plan.colleague * plan.products * plan.names)):
            key = chance.choice((GOOD, NONE)), f"a{chance.randrange(plan.products)}", f"m{chance.randrange(plan.names)}"
            made.append((chance.uniform(0, plan.spread + 20), key, State(0.0, "theirs")))
        return made

    def _beforehand(self, asked: Asked, chance: Random) -> dict[str, State]:
        """The module that a request asks for, as somebody else made it: just so, or otherwise; or none."""
        if chance.random() >= self.plan.theirs:
            return {}
        desc = asked.desc if chance.random() < 0.6 else "otherwise"
        return {asked.body["ModuleName"]: State(-chance.choice(AGES), asked.alias or "", desc or "")}

    def _drawn(self) -> Iterator[Letter]:
        plan, left = self.plan, self.plan.requests
        while left > 0:
            size = min(left, self.random.choice((1, 1, 1, 1, 5, plan.arrays)))
            requests = tuple(self._asked(left - place, alone=size == 1) for place in range(size))
            array = size > 1 or (requests[0].text.startswith("{") and self.random.random() < 0.1)
            yield Letter(self.random.uniform(0, plan.spread), requests, array)
            left -= size

    def _asked(self, number: int, *, alone: bool) -> Asked:
        plan, chance = self.plan, self.random
        if chance.random() < plan.malformed:
            text = chance.choice(BROKEN_MESSAGES if alone and chance.random() < 0.5 else BROKEN_ELEMENTS)(number)
            return Asked(number, text, {}, valid=False)
        instance = self._instance()
        body = {
            "CorrelationId": mark(number),
            **self._module(number),
            **({"IotInstanceId": instance} if instance else {}),
        }
        if chance.random() < 0.5:
            body["Id"] = f"r{number}"
        if chance.random() < 0.02:
            body.update(chance.choice(INVALID))
            return Asked(number, json.dumps(body), body, valid=False)
        policy = body.get("OnExisting") or plan.policy
        return Asked(number, json.dumps(body), body, policy=policy, instance=instance or plan.default)

    def _instance(self) -> str:
        plan, chance = self.plan, self.random
        if chance.random() < plan.strangers:
            return chance.choice((WRONG, OVERDUE, NONE))
        if not plan.public or plan.default == WRONG:
            return chance.choice((GOOD, GOOD, OTHER))
        return chance.choice((NONE, NONE, NONE, GOOD))

    def _module(self, number: int) -> dict[str, str]:
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
