"""`make soak SEED=… MINUTES=…`: random plans of faults one after another; the invariants must hold after each.

A run that fails is printed with its seed and the shortest plan that still fails; `PLAN=` runs that plan alone.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

from emulator.faults.plan import Plan, Rule
from emulator.fc.runtime.steps import Step
from emulator.iot.products import Module
from tests.e2e.evidence import Evidence
from tests.e2e.invariants import violations
from tests.e2e.scenario import Request, Scenario, hurried_cloud
from tests.e2e.test_faults import API, CALLS, CRASHES, DELIVERIES, SINKS, fc

REQUESTS = 300
PATIENT = {"OTA_READ_TIMEOUT": "1", "OTA_DEADLINE_MARGIN": "4"}
"""For a machine that has other things to do: a call that is answered too late is a fault that no plan speaks of."""
MOST_TIMES = {"stream": 6, "fc": 3}
"""A stream waits twice as long before each retry: after ten of them, longer than a run is waited for."""
AS_OFTEN = ("kill", "pause", "refuse", "expire", "revoke", "deny", "overdue")
"""Kinds that strike no more often than the matrix says: each of them costs a start, or the pause of a wrong deployment."""
RUNS_A_CLOUD = 25
"""Runs after which the cloud and its functions are started anew."""
STEPS = [fc("kill", step=step) for step in get_args(Step)]
CATALOGUE = [rule for rules in (API, SINKS, CRASHES, CALLS) for each in rules.values() for rule in each] + STEPS
STREAM_RULES = [rule for rules in DELIVERIES.values() for rule in rules]
INSTANCES = ("iot-first", "iot-second")
PER_PRODUCT = 13
"""Requests for each product: more than it can hold."""


@dataclass(frozen=True)
class Job:
    """One run: which requests go where, under which plan; all of it follows from `seed` and `number`."""

    seed: int
    number: int

    @property
    def draws(self) -> random.Random:
        return random.Random(f"{self.seed} {self.number}")

    @property
    def http(self) -> bool:
        return self.number % 5 == 4

    def plan(self) -> Plan:
        draws = self.draws
        known = CATALOGUE if self.http else [*CATALOGUE, *STREAM_RULES]
        rules = tuple(varied(draws.choice(known), draws) for _ in range(draws.randint(1, 4)))
        return Plan(seed=self.seed, rules=rules)

    def run(self, scenario: Scenario, plan: Plan) -> Evidence:
        return (scenario.http if self.http else scenario.queue)(plan, self.requests(scenario))

    def requests(self, scenario: Scenario) -> Sequence[Request]:
        """Modules that are new, there, doubled, one too many, unknown or invalid."""
        draws = self.draws
        wanted = REQUESTS // 4 if self.http else REQUESTS
        requests: list[Request] = []
        while len(requests) < wanted:
            known = [Module(f"known{place}", alias=f"Alias_{place}") for place in range(draws.randint(0, 4))]
            instance = draws.choice((None, *INSTANCES))
            product = scenario.product(*known, instance=instance)
            where = {"ProductKey": product, **({"IotInstanceId": instance} if instance else {})}
            for place in range(PER_PRODUCT):
                own = {"Id": f"{product}-{place}", "CorrelationId": f"c{place}"}
                requests.append({**where, **own, **self._wish(draws, product, place, known)})
        draws.shuffle(requests)
        return requests[:wanted]

    def _wish(self, draws: random.Random, product: str, place: int, known: list[Module]) -> dict[str, Any]:
        kind = draws.random()
        if kind < 0.3 and known:
            # Each once, and otherwise than it is: a request that comes again cannot tell a module that its own unanswered
            # call made from one that has meanwhile been made the same by another request.
            policy = draws.choice(("keep", "update", "fail"))
            return {"ModuleName": known.pop().name, "Desc": "Wanted.", "OnExisting": policy}
        if kind < 0.85:
            alias = {"AliasName": f"新_{place}"} if draws.random() < 0.5 else {}
            return {"ModuleName": f"new{draws.randint(0, 11)}", **alias}
        if kind < 0.95:
            return {"ModuleName": draws.choice(("no spaces", "x" * 65, "default"))}
        return {"ProductKey": f"{product}x", "ModuleName": "mcu"}


def varied(rule: Rule, draws: random.Random) -> Rule:
    """A rule of the matrix, at another time and more or less often, for all calls or those in one instance."""
    often = draws.choice(({"probability": round(draws.uniform(0.05, 0.6), 2)}, {"nth": draws.randint(1, 30)}))
    times = rule.times if rule.kind in AS_OFTEN else draws.randint(1, 12)
    most = MOST_TIMES.get(rule.service)
    where = {"instance": draws.choice((None, *INSTANCES))} if rule.service == "iot" else {}
    return rule.model_copy(update={**often, **where, "times": min(times, most) if times and most else times})


@contextmanager
def new_scenario() -> Iterator[Scenario]:
    with tempfile.TemporaryDirectory() as folder, hurried_cloud(Path(folder), timeout=20, variables=PATIENT) as cloud:
        yield Scenario(cloud)


def problems(job: Job, plan: Plan) -> list[str]:
    """What a plan breaks, in a cloud of its own."""
    with new_scenario() as scenario:
        return violations(job.run(scenario, plan))


def print_failure(job: Job, plan: Plan, broken: Sequence[str]) -> None:
    """Print a failure with the shortest plan that still has it: of four rules, there are not many to try."""
    print(f"\nrun {job.number} of seed {job.seed} breaks what must hold:", *broken[:20], sep="\n  ", flush=True)
    print(f"its plan: {plan}\nlooking for the shortest one that still fails …", flush=True)
    tries = [rules for size in range(len(plan.rules) + 1) for rules in combinations(plan.rules, size)]
    plans = [Plan(seed=plan.seed, rules=rules) for rules in tries]
    shortest, still = next(((each, lasting) for each in plans if (lasting := problems(job, each))), (plan, []))
    print("the shortest:" if still else "it does not fail again with:", shortest, flush=True)
    print(f"again: make soak SEED={job.seed} RUN={job.number} PLAN='{shortest}'", *still[:5], sep="\n  ", flush=True)


def soak(seed: int, minutes: float) -> int:
    """Run until the time is over or something breaks; the exit status."""
    began, number, requests = time.monotonic(), 0, 0
    print(f"seed {seed}, {minutes:g} minutes", flush=True)
    with ExitStack() as clouds:
        while time.monotonic() - began < 60 * minutes:
            if number % RUNS_A_CLOUD == 0:
                clouds.close()
                scenario = clouds.enter_context(new_scenario())
            job = Job(seed, number)
            evidence = job.run(scenario, job.plan())
            if broken := violations(evidence):
                print_failure(job, evidence.plan, broken)
                return 1
            number, requests = number + 1, requests + len(evidence.asked)
            seconds = time.monotonic() - began
            print(f"{number} plans, {requests} requests in {seconds:.0f} s: all held", end="\r", flush=True)
    print()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--run", type=int, help="only this run of the seed")
    parser.add_argument("--plan", type=Plan.model_validate_json, help="another plan for that run, as JSON")
    options = parser.parse_args()
    if options.run is None:
        return soak(options.seed, options.minutes)
    job = Job(options.seed, options.run)
    plan = options.plan or job.plan()
    broken = problems(job, plan)
    print(plan, *(broken or ["all held"]), sep="\n  ")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
