"""A run that is told in a test: these requests, and nothing goes wrong unless the test says so."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.simulation.account import GOOD, NONE, OVERDUE, Place, State
from tests.simulation.messages import mark
from tests.simulation.plan import Plan
from tests.simulation.workload import Asked, Letter, Work
from tests.simulation.world import World

QUIET = Plan(1, faulty=0.0, public=False, default=GOOD, batch=100)
"""Nothing goes wrong by itself. Calls that name no instance are not answered; the setting names one."""


def wish(number: int, name: str = "m", *, product: str = "a1", instance: str = NONE, **fields: str) -> Asked:
    """A request with an alias of its own. It means the plan's instance, unless it names one."""
    body = {"CorrelationId": mark(number), "ProductKey": product, "ModuleName": name, "AliasName": f"alias{number}"}
    body |= fields | ({"IotInstanceId": instance} if instance else {})
    return Asked(number, json.dumps(body), body, policy=body.get("OnExisting", "keep"), instance=instance)


def array(*requests: Asked) -> Letter:
    return Letter(0.0, requests, array=True)


def world(
    *sent: Asked | Letter,
    script: Mapping[tuple[str, str], list[str]] | None = None,
    yesterdays: str | None = None,
    **changed: Any,
) -> World:
    """A run of these requests and arrays, whose products exist, with a script for `Cloud` and fields of the plan changed.
    `yesterdays`: the alias of a module `m` that somebody made in the product `a1` the day before."""
    plan, products = replace(QUIET, **changed), dict[Place, dict[str, State]]()
    letters = [each if isinstance(each, Letter) else Letter(0.0, (each,), array=False) for each in sent]
    for asked in (asked for letter in letters for asked in letter.requests if asked.valid):
        asked.instance = asked.instance or plan.default
        if asked.instance in (GOOD, OVERDUE):
            products[asked.key[:2]] = {}
    if yesterdays is not None:
        products[GOOD, "a1"]["m"] = State(-86_400.0, yesterdays)
    run = World(plan, Work(letters, products))
    run.cloud.script.update(script or {})
    return run


def crowd(count: int, **changed: Any) -> World:
    """A run of so many requests for new modules, eight a product, one a message."""
    return world(
        *(wish(number, f"m{number % 8}", product=f"p{number // 8}") for number in range(1, count + 1)), **changed
    )


def statuses(run: World) -> dict[int, list[str]]:
    """What is said of each request, where all holds."""
    result = run.run()
    assert result.violation is None, result.report(80)
    return {number: [status for status, _ in outcomes] for number, outcomes in result.outcomes.items()}
