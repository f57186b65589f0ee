"""I8  Company changes no outcome, and delays none: a request ends as it would have ended alone, after as many attempts."""

from collections.abc import Iterator
from random import Random

from tests.simulation.plan import Plan
from tests.simulation.world import Result, World

COMPARED = 3
"""Requests of a run that are compared with themselves alone."""


def run(plan: Plan) -> Result:
    """One run; where its requests have nothing to do with each other, some of them alone as well."""
    result = World(plan).run()
    if not plan.apart or result.violation:
        return result
    return next(_changed(plan, result), result)


def _changed(plan: Plan, result: Result) -> Iterator[Result]:
    """The first request that its company changed, as a violation."""
    numbers = sorted(result.outcomes)
    for number in Random(f"company {plan.seed}").sample(numbers, min(COMPARED, len(numbers))):
        alone = World(plan, only={number}).run()
        before, now = alone.outcomes[number], result.outcomes[number]
        if alone.violation or now != before:
            problem = alone.violation or f"I8: request {number} ends as {now}, and as {before} alone"
            yield result.violated(problem)
