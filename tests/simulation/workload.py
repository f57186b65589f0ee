"""What senders ask for: requests, in the messages in which they are sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from tests.simulation.plan import Plan

Key = tuple[str, str]
"""Product and name in lower case: what makes two requests mean the same module."""

DEFAULT_INSTANCE = "iot-default"
INVALID = (
    {"ProductKey": "a0"},
    {"ProductKey": "a0", "ModuleName": "Default"},
    {"ProductKey": "a0", "ModuleName": "m 0", "AliasName": "no spaces"},
    {"ProductKey": "a0", "ModuleName": "m0", "Colour": "red"},
)


@dataclass
class Asked:
    """A request as its sender knows it. `id` is the message's where the sender gave none."""

    body: dict[str, str]
    valid: bool
    policy: str
    id: str = ""

    @cached_property
    def key(self) -> Key:
        return self.body["ProductKey"], self.body["ModuleName"].lower()

    @property
    def alias(self) -> str | None:
        return self.body.get("AliasName")

    @property
    def desc(self) -> str | None:
        return self.body.get("Desc")


@dataclass(frozen=True)
class Letter:
    """A message as it is sent: one request, or an array of them."""

    at: float
    requests: tuple[Asked, ...]
    array: bool

    @property
    def body(self) -> str:
        bodies = [asked.body for asked in self.requests]
        return json.dumps(bodies if self.array else bodies[0])

    def name(self, message: str) -> None:
        """Let the requests have the ids that the contract gives them."""
        for number, asked in enumerate(self.requests, 1):
            asked.id = asked.body.get("Id") or (f"{message}/{number}" if self.array else message)


@dataclass
class Workload:
    """Requests and products of a plan. Every request has an alias of its own, so that what it made can be told."""

    plan: Plan
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(f"workload {self.plan.seed}")

    def products(self) -> dict[str, list[str]]:
        """The modules that each product has from the beginning: some are full, or nearly."""
        counts = {f"a{number}": self.random.choice((0, 0, 1, 5, 9, 10)) for number in range(self.plan.products)}
        shared = {product: [f"M{number}" for number in range(count)] for product, count in counts.items()}
        alone = {
            f"alone{number}": ["m"] if self.random.random() < 0.5 else [] for number in range(self.plan.requests + 1)
        }
        return {**shared, **alone}

    def letters(self) -> Iterator[Letter]:
        left = self.plan.requests
        while left > 0:
            size = min(left, self.random.choice((1, 1, 1, 1, 5, 16)))
            requests = tuple(self._request(left - place) for place in range(size))
            letter = Letter(self.random.uniform(0, self.plan.spread), requests, size > 1 or self.random.random() < 0.1)
            yield letter
            left -= size

    def _request(self, number: int) -> Asked:
        if self.random.random() < 0.02:
            return Asked({**self.random.choice(INVALID), "Id": f"r{number}"}, valid=False, policy="")
        if self.random.random() < 0.05:
            return self._alone(number)
        product = self.random.randrange(self.plan.products)
        # Names in another case mean the same module; m0 to m9 may be there from the beginning.
        name = f"{self.random.choice('mM')}{self.random.randrange(self.plan.names)}"
        body = {
            "ProductKey": f"a{product}" if self.random.random() < 0.98 else "unknown",
            "ModuleName": name,
            "AliasName": f"alias{number}",
        }
        extra = {
            "Desc": f"text {number}",
            "OnExisting": self.random.choice(("keep", "update", "fail")),
            "Id": f"r{number}",
            **({"IotInstanceId": DEFAULT_INSTANCE} if self.plan.default_instance else {}),
        }
        body.update((name, value) for name, value in extra.items() if self.random.random() < 0.5)
        return Asked(body, valid=True, policy=body.get("OnExisting") or self.plan.policy)

    def _alone(self, number: int) -> Asked:
        """A request for a module that nobody else wants, without anything that tells who made it."""
        body = {"ProductKey": f"alone{number}", "ModuleName": "m", "OnExisting": self.random.choice(("keep", "fail"))}
        return Asked({**body, "Id": f"r{number}"}, valid=True, policy=body["OnExisting"])

    def colleague(self) -> Iterator[tuple[float, str, str]]:
        """When somebody else creates which module, unless it is there."""
        for _ in range(int(self.plan.colleague * self.plan.products * self.plan.names)):
            product = self.random.randrange(self.plan.products)
            yield (
                self.random.uniform(0, self.plan.spread + 20),
                f"a{product}",
                f"m{self.random.randrange(self.plan.names)}",
            )
