"""A run that is told in a test: these requests, those modules, and nothing else unless the test says so."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.simulation.messages import mark
from tests.simulation.modules import GOOD, NONE, Key, Place, State
from tests.simulation.plan import Plan
from tests.simulation.workload import Asked, Letter
from tests.simulation.world import Result, World

QUIET = Plan(1, faulty=0.0, public=False, default=GOOD, batch=100)
"""Nothing goes wrong by itself. Calls that name no instance are not answered; the setting names one."""


def wish(number: int, name: str = "m", *, product: str = "a1", instance: str = NONE, **fields: str) -> Asked:
    """A request. Its alias is its own, unless `fields` give another."""
    body = {
        "CorrelationId": mark(number),
        "ProductKey": product,
        "ModuleName": name,
        "AliasName": f"alias{number}",
        **fields,
    }
    body = {name: value for name, value in body.items() if value} | ({"IotInstanceId": instance} if instance else {})
    return Asked(number, json.dumps(body), body, policy=body.get("OnExisting", "keep"), instance=instance or GOOD)


def broken(number: int, text: str) -> Asked:
    """Something that is no request."""
    return Asked(number, text, {}, valid=False)


def message(*requests: Asked, at: float = 0.0) -> Letter:
    """A message; an array where it holds more than one request."""
    return Letter(at, requests, array=len(requests) > 1)


@dataclass
class Script:
    """Messages that are sent, and modules that are there before, by instance and product."""

    messages: Sequence[Letter]
    modules: dict[Place, dict[str, State]] = field(default_factory=dict)

    def products(self) -> dict[Place, dict[str, State]]:
        return {(GOOD, "a1"): {}, (GOOD, "a2"): {}, **self.modules}

    def letters(self) -> list[Letter]:
        return list(self.messages)

    def colleague(self) -> list[tuple[float, Key, State]]:
        return []


def world(plan: Plan, *messages: Letter, modules: dict[Place, dict[str, State]] | None = None) -> World:
    """What a test changes before it runs it."""
    found = World(plan, Script(messages, modules or {}))
    for letter in messages:
        for asked in letter.requests:
            if not asked.body.get("IotInstanceId"):
                asked.instance = plan.default
    return found


def statuses(result: Result) -> dict[int, list[str]]:
    """What was said of each request, where all held."""
    assert result.violation is None, result.report(80)
    return {number: [status for status, _ in outcomes] for number, outcomes in result.outcomes.items()}


def changed(**fields: object) -> Plan:
    """The quiet plan, with some fields changed."""
    return replace(QUIET, **fields)  # type: ignore[arg-type]
