"""I8  Company changes no outcome, and delays none: a request ends as it would have ended alone, after as many attempts."""

from collections.abc import Iterator, Sequence
from random import Random

from tests.simulation.modules import GOOD, NONE, OTHER
from tests.simulation.plan import Plan
from tests.simulation.workload import Asked
from tests.simulation.world import Result, World

COMPARED = 3
"""Requests of a run that are compared with themselves alone."""


def run(plan: Plan) -> Result:
    """One run; where its requests have nothing to do with each other, some of them alone as well."""
    world = World(plan)
    result = world.run()
    if not plan.compares or result.violation:
        return result
    good = [number for number, history in sorted(world.records.asked.items()) if _is_good(history.asked, plan)]
    return next(_changed(plan, result, good), result)


def _is_good(asked: Asked, plan: Plan) -> bool:
    """Whether nothing keeps the deployment from calling for a request: then nobody else's call says anything about it."""
    if not asked.valid:
        return True
    permitted = not plan.forbidden or asked.policy != "update"
    return permitted and (asked.instance in (GOOD, OTHER) or (asked.instance == NONE and plan.public))


def _changed(plan: Plan, result: Result, numbers: Sequence[int]) -> Iterator[Result]:
    """The first request that its company changed, as a violation."""
    for number in Random(f"company {plan.seed}").sample(numbers, min(COMPARED, len(numbers))):
        alone = World(plan, only={number}).run()
        before, now = alone.outcomes[number], result.outcomes[number]
        if alone.violation or now != before:
            problem = alone.violation or f"I8: request {number} ends as {now}, and as {before} alone"
            yield result.violated(problem)
