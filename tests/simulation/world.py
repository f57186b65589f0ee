"""One run: senders, the queue, event streams, the function's instances and the cloud, all from one plan."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

from handler.index import Instance
from tests.simulation import function
from tests.simulation.calls import Invocation, Sent
from tests.simulation.cloud import Cloud
from tests.simulation.messages import Message, read
from tests.simulation.modules import Account, Key, Module, State
from tests.simulation.plan import Plan
from tests.simulation.queues import Queue
from tests.simulation.records import History, Records, who
from tests.simulation.settlement import Settlement
from tests.simulation.sinks import REQUESTS, Post
from tests.simulation.store import Server
from tests.simulation.streams import Stream
from tests.simulation.troubles import Troubles
from tests.simulation.truth import Truth
from tests.simulation.workload import Letter, Work, Workload
from tests.support.scheduler import Process, Scheduler, Violation

LATEST_REPLAY = 300.0
"""Seconds after which an operator sends a dead letter again at the latest."""


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

    def violated(self, violation: str) -> "Result":
        """The same run, found to violate something."""
        return replace(self, violation=violation)

    def report(self, most: int | None = None) -> str:
        """The trace up to the fault (its last lines, if not all are wanted), the fault, and how to have it again."""
        first = 0 if most is None else max(len(self.trace) - most, 0)
        lines = [f"{at:10.4f}  {who:10}  {what}" for at, who, what in map(_line, self.trace[first:])]
        again = f"seed {self.plan.seed}, again with\n  make simulate PLAN='{self.plan}'"
        return "\n".join([*lines, "", self.violation or "all held", "", again])


class World:
    """The parts, wired. With `only`, of all requests none but these are sent."""

    def __init__(self, plan: Plan, work: Work | None = None, only: Collection[int] | None = None) -> None:
        self.plan = plan
        self.scheduler = Scheduler(plan.seed)
        self.store = Server(plan, self.scheduler) if plan.store_live else None
        self.records = Records(plan, self.scheduler, self.store.apart if self.store else _never)
        self.settlement = Settlement(self.records)
        self.random = Random(f"world {plan.seed}")
        self.troubles = Troubles(plan, self.scheduler)
        work = work or Workload(plan)
        self.account = Account(
            {
                place: {name.lower(): Module(name, [state]) for name, state in modules.items()}
                for place, modules in work.products().items()
            }
        )
        self.cloud = Cloud(plan, self.scheduler, self.records, self.account, self.troubles)
        self.queue = Queue(plan, self.scheduler, self.troubles)
        self.post = Post(plan, self.scheduler, self.troubles, self)
        self._truth = Truth(self.records, self.account)
        self._around = function.Surroundings(plan, self.cloud, self.post, self.store, self.random, self._log)
        self.may_fail = False
        """Whether a fault of the function's own is part of the run."""
        self._unsent = 0
        for letter in work.letters():
            self._expect(letter, only)
        for at, key, state in work.colleague():
            self.scheduler.at(at, partial(self._colleague, key, state))
        self._streams = [Stream(self, f"instance {number}") for number in range(plan.instances)]

    @property
    def done(self) -> bool:
        return not self._unsent and self.queue.empty and all(stream.idle for stream in self._streams)

    def run(self) -> Result:
        streams = [self.scheduler.spawn(stream.run) for stream in self._streams]
        violation = None
        try:
            if not self.scheduler.run(until=self.plan.longest):
                raise Violation("I1: it goes on for ever")
            self.settlement.end()
        except Violation as found:
            violation = str(found)
        for error in (stream.error for stream in streams if stream.error is not None):
            raise error
        histories = self.records.asked
        outcomes = {
            number: [(event["data"]["Status"], event["data"]["Attempts"]) for event in history.events]
            for number, history in histories.items()
        }
        deliveries = sum(history.deliveries for history in histories.values())
        return Result(
            self.plan, len(histories), self.records.calls, deliveries, violation, outcomes, self.records.trace
        )

    def start(self, process: Process, current: Callable[[], Invocation]) -> Instance:
        """A new instance of the function."""
        return function.start(self._around, process, current)

    def publish(self, body: str, tag: str) -> None:
        """The topic takes an outcome."""
        invocation = self._invocation()
        history = self._truth.publish(invocation, body, tag)
        invocation.published.append(history.asked.number)
        if history.asked.valid:  # one that was given up ends here; a copy of it in the same delivery begins anew
            self.records.doubts.pop(who(invocation, history.asked), None)

    def put_back(self, body: str, delay: float) -> None:
        """The request queue takes a message of the function."""
        name = f"b{len(self.records.trace)}"
        self.queue.send(self.settlement.put_back(self._invocation(), name, body), delay)

    def dead_letter(self, body: str) -> None:
        """The dead-letter queue takes a request; an operator may send it again."""
        history = self.settlement.give_up(self._invocation(), body)
        if self.random.random() < self.plan.replays and len(history.letters) < 3:
            self._unsent += 1
            request = json.loads(body)["Request"]
            self.scheduler.at(
                self.scheduler.time + self.random.uniform(1, LATEST_REPLAY), partial(self._replay, history, request)
            )

    def whose(self, event: str) -> int:
        number = self.records.whose(event)
        assert number is not None, event
        return number

    def failed(self, sink: str, bodies: Sequence[str]) -> None:
        """The function does not hear that a sink took something."""
        invocation = self._invocation()
        if sink == REQUESTS:
            invocation.queue_failed = True
            for body in bodies:
                for entry in read(body):
                    self.records.asked[entry.number].repeated = True
            return
        invocation.unpublished.update(self.whose(body) for body in bodies)

    def refused(self, sink: str, bodies: Sequence[str]) -> None:
        """The function hears that a sink does not take something."""
        if sink != REQUESTS:
            self.failed(sink, bodies)
        elif bodies:
            self._invocation().queue_refused = True

    def _invocation(self) -> Invocation:
        """The invocation of the process that runs now."""
        current = self.scheduler.current
        assert current is not None and current.process is not None
        name = current.process.name
        found = next(stream.invocation for stream in self._streams if stream.name == name)
        assert found is not None
        return found

    def _expect(self, letter: Letter, only: Collection[int] | None) -> None:
        if only is not None:
            letter = letter._replace(requests=tuple(asked for asked in letter.requests if asked.number in only))
        if letter.requests:
            self._unsent += 1
            self.scheduler.at(letter.at, partial(self._send, letter))

    def _send(self, letter: Letter) -> None:
        self._unsent -= 1
        name = f"m{letter.requests[0].number}"
        letter.name(name)
        for asked in letter.requests:
            self.records.asked[asked.number] = History(asked)
            self.records.names[asked.id] = asked.number
        message = Message.of(name, letter.body)
        self.records.name(message)
        self.queue.send(message)

    def _replay(self, history: History, request: dict[str, Any]) -> None:
        self._unsent -= 1
        again = {name: value for name, value in request.items() if name not in ("Attempt", "Since")}
        again["Replay"] = again.get("Replay", 0) + 1
        history.repeated |= self.queue.holds(history.asked.number)
        self.queue.send(Message.of(f"replay{len(self.records.trace)}", json.dumps(again)))

    def _colleague(self, key: Key, state: State) -> None:
        if self.account.add(key[:2], key[2], State(self.scheduler.time, state.alias, state.desc)):
            self.records.note("created", *key, "by somebody else")

    def _log(self, line: str) -> None:
        if json.loads(line)["event"] == "fault" and not self.may_fail:
            raise Violation(f"the function failed: {line}")


def _never(_sent: Sent) -> bool:
    """What is promised where there is no store: that all calls are counted together."""
    return False


def _line(entry: tuple[Any, ...]) -> tuple[float, str, str]:
    at, who, *what = entry
    return at, who, " ".join(str(part) for part in what)
