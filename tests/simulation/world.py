"""One run: senders, the queue, event streams, the function's instances and the cloud, all from one plan."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from tests.simulation.account import GOOD, NONE, OTHER, Account, Key, Module, State
from tests.simulation.function import Surroundings
from tests.simulation.messages import Message
from tests.simulation.plan import Plan
from tests.simulation.records import History
from tests.simulation.streams import Stream
from tests.simulation.workload import Asked, Letter, Work, Workload
from tests.support.scheduler import Violation

COMPARED = 3
"""Requests of a run that are compared with themselves alone."""


@dataclass(frozen=True)
class Result:
    """How a run went; `violation` is None where all held."""

    plan: Plan
    requests: int
    calls: int
    deliveries: int
    violation: str | None
    outcomes: dict[int, list[tuple[str, int]]] = field(repr=False)
    """The statuses of each request, with the attempt in which each was said."""
    trace: list[tuple[object, ...]] = field(repr=False)

    def report(self, most: int = 0) -> str:
        """The last lines of the trace, or all for 0; the fault, and how to have it again."""
        lines = [f"{at:10.4f}  {who:10}  {' '.join(map(str, what))}" for at, who, *what in self.trace[-most:]]
        again = f"seed {self.plan.seed}, again with\n  make simulate PLAN='{self.plan}'"
        return "\n".join([*lines, "", self.violation or "all held", "", again])


class World(Surroundings):
    """The parts, wired. With `only`, of all requests none but these are sent."""

    def __init__(self, plan: Plan, work: Work | None = None, only: Collection[int] | None = None) -> None:
        work = work or Workload(plan).work()
        self.account = Account(
            {
                place: {name.lower(): Module(name, [state]) for name, state in modules.items()}
                for place, modules in work.products.items()
            }
        )
        super().__init__(plan, self.account)
        for letter in work.letters:
            requests = tuple(asked for asked in letter.requests if only is None or asked.number in only)
            if requests:
                self.queue.expect(letter.at, partial(self._send, letter._replace(requests=requests)))
        for at, key in work.colleague:
            self.scheduler.at(at, partial(self._create, key))

    def _send(self, letter: Letter) -> Message:
        name = f"m{letter.requests[0].number}"
        letter.name(name)
        for asked in letter.requests:
            self.records.asked[asked.number] = History(asked)
        message = Message.of(name, letter.body)
        self.records.names.update(message.ids)
        return message

    def _create(self, key: Key) -> None:
        """A colleague creates a module."""
        if self.account.add(key[:2], key[2], State(self.scheduler.time, "theirs")):
            self.records.note("created", *key, "by somebody else")

    def run(self) -> Result:
        busy: set[str] = set()
        streams = [Stream(self, f"instance {number}", busy) for number in range(self.plan.instances)]
        tasks, violation = [self.scheduler.spawn(stream.run) for stream in streams], None
        try:
            if not self.scheduler.run(until=self.plan.longest):
                raise Violation("I1: it goes on for ever")
            self.settlement.end()
        except Violation as found:
            violation = str(found)
        for error in (task.error for task in tasks if task.error is not None):
            raise error
        return self._result(violation)

    def _result(self, violation: str | None) -> Result:
        records, histories = self.records, self.records.asked
        deliveries = sum(history.deliveries for history in histories.values())
        outcomes = {
            number: [(event["data"]["Status"], event["data"]["Attempts"]) for event in history.events]
            for number, history in histories.items()
        }
        return Result(self.plan, len(histories), records.calls, deliveries, violation, outcomes, records.trace)


def simulate(plan: Plan) -> Result:
    """One run; where its requests have nothing to do with each other, some of them alone as well.

    I8  Company changes no outcome, and delays none: a request ends as it would have ended alone, after as many attempts.
    """
    world = World(plan)
    result = world.run()
    if not plan.compares or result.violation:
        return result
    good = [number for number, history in sorted(world.records.asked.items()) if _is_good(history.asked, plan)]
    return next(_compare_alone(plan, result, good), result)


def _is_good(asked: Asked, plan: Plan) -> bool:
    """Whether nothing keeps the deployment from calling for a request: then nobody else's call says anything about it."""
    if not asked.valid:
        return True
    permitted = not plan.forbidden or asked.policy != "update"
    return permitted and (asked.instance in (GOOD, OTHER) or (asked.instance == NONE and plan.public))


def _compare_alone(plan: Plan, result: Result, numbers: Sequence[int]) -> Iterator[Result]:
    """The first request that its company changed, as a violation."""
    for number in Random(f"company {plan.seed}").sample(numbers, min(COMPARED, len(numbers))):
        alone = World(plan, only={number}).run()
        before, now = alone.outcomes[number], result.outcomes[number]
        if alone.violation or now != before:
            problem = alone.violation or f"I8: request {number} ends as {now}, and as {before} alone"
            yield replace(result, violation=problem)
