"""What the simulated cloud saw, and what must hold after every step of it. Nothing here is the function's word.

I1  every request ends in an outcome, or in the dead-letter queue with its reason
I2  all outcomes of a request carry one id, and none says what is not so (`tests.simulation.truth`)
I3  no module is created blindly where it may be there, and no update is applied that was not asked for
I4  at most ten calls of one operation in any second, counted where the server sees them
I5  nothing is acknowledged before its outcome was accepted by the topic, or the request by the queue once more
I6  every invocation ends before its timeout, and nothing is left running behind it
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from handler.iot import CREATE, LIST
from tests.simulation.plan import Plan
from tests.simulation.scheduler import Scheduler, Task, Violation
from tests.simulation.workload import Asked, Key

LIMIT = 10

Who = tuple[int, Key, str]
"""A request in one invocation, as its calls show it: by module and alias."""


@dataclass(frozen=True)
class State:
    """How a module looked from a time on."""

    since: float
    alias: str
    desc: str

    @property
    def fields(self) -> tuple[str, str]:
        return self.alias, self.desc


@dataclass
class Module:
    """A module, who made it, and all that it ever was."""

    name: str
    made: float
    states: list[State]
    maker: "Sent | None" = None

    def at(self, then: float) -> State:
        if self.states[-1].since <= then:
            return self.states[-1]
        return next((state for state in reversed(self.states) if state.since <= then), self.states[0])

    def since(self, then: float) -> list[State]:
        """The states that it had at that time or later."""
        return [self.at(then), *(state for state in self.states if state.since > then)]


@dataclass(frozen=True)
class Message:
    """A message of the queue, and the requests in it: their ids and attempts."""

    id: str
    body: str
    requests: tuple[tuple[str, int], ...]
    doubtful: bool = False
    """Whether it was put back by a delivery in which a create call got no answer."""


@dataclass(eq=False)
class Invocation:
    """One call of the function."""

    number: int
    instance: str
    messages: list[Message]
    began: float
    put_back: set[str] = field(default_factory=set)

    @cached_property
    def requests(self) -> set[tuple[str, int]]:
        """The ids of the requests in it, and their attempts."""
        return {request for message in self.messages for request in message.requests}

    @cached_property
    def names(self) -> list[str]:
        return [name for message in self.messages for name, _ in message.requests]


@dataclass(eq=False)
class Sent:
    """A call of the API on its way; `told` is what the function got to hear of it."""

    invocation: Invocation
    action: str
    call: Mapping[str, str]
    task: "Task | None" = None
    left: float = 0.0
    late: bool = False
    arrived: float = 0.0
    told: str = "nothing"
    apart: bool = False
    """Whether others are not promised to know of it (`tests.simulation.store`)."""

    @cached_property
    def key(self) -> Key:
        return self.call["ProductKey"], self.call.get("ModuleName", "").lower()

    @cached_property
    def who(self) -> Who:
        """Whose call it is: every request has an alias of its own."""
        return self.invocation.number, self.key, self.call.get("AliasName", "")


@dataclass(eq=False)
class History:
    """What became of one request."""

    asked: Asked
    deliveries: int = 0
    attempts: list[int] = field(default_factory=list)
    """One entry for each invocation: copies in one batch are one request."""
    invocations: set[Invocation] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    letters: int = 0
    put_backs: int = 0

    @property
    def repeated(self) -> bool:
        """Whether an attempt went to more than one invocation: what one of them found out, the other cannot know."""
        return len(set(self.attempts)) < len(self.attempts)


@dataclass
class Records:
    """Keeps what happened, and raises Violation as soon as something does not hold."""

    plan: Plan
    scheduler: Scheduler
    apart: Callable[[str, str], bool]
    """Whether others are not promised to know of a call that an instance makes now of an operation."""
    asked: dict[str, History] = field(default_factory=dict)
    trace: list[tuple[object, ...]] = field(default_factory=list)
    refusals: dict[Who, float] = field(default_factory=dict)
    unanswered: set[tuple[Key, str]] = field(default_factory=set)
    """Modules, with their aliases, of which a create call got no answer."""
    updates: dict[Key, list[Sent]] = field(default_factory=dict)
    calls: int = 0
    _doubts: dict[Who, float] = field(default_factory=dict)
    """Since when a create call of a request is known to have got no answer."""
    _listed: dict[tuple[int, Task | None, str], float] = field(default_factory=dict)
    """When the last list of a product's modules left that was answered, by invocation and task."""
    _arrivals: dict[tuple[str, bool], deque[float]] = field(default_factory=dict)
    _invocations: int = 0

    def note(self, *what: object) -> None:
        current = self.scheduler.current
        who = current.process.name if current is not None and current.process is not None else "-"
        self.trace.append((self.scheduler.time, who, *what))

    def hold(self, *, that: bool, otherwise: str) -> None:
        if not that:
            raise Violation(otherwise)

    def begin(self, instance: str, messages: list[Message]) -> Invocation:
        self._invocations += 1
        invocation = Invocation(self._invocations, instance, messages, self.scheduler.time)
        self.note("receive", self._invocations, [message.id for message in messages])
        for name, attempt in invocation.requests:
            history = self.asked[name]
            history.attempts.append(attempt)
            history.invocations.add(invocation)
        for message in messages:
            for name, _ in message.requests:
                self.asked[name].deliveries += 1
                if message.doubtful:
                    self._doubts[self._who(invocation, self.asked[name].asked)] = invocation.began
        return invocation

    def _who(self, invocation: Invocation, asked: Asked) -> Who:
        return invocation.number, asked.key, asked.alias or ""

    def sent(self, sent: Sent) -> None:
        """A call leaves."""
        self.calls += 1
        sent.task, sent.left = self.scheduler.current, self.scheduler.time
        sent.apart = self.apart(sent.invocation.instance, sent.action)
        self.note("send", *sent.call.values())
        if sent.action == CREATE and sent.who in self._doubts:
            listed = self._listed.get((sent.invocation.number, sent.task, sent.key[0]), -1.0)
            if listed < self._doubts[sent.who]:
                raise Violation(f"I3: {sent.who} was created blindly, with a call before it whose effect is unknown")

    def told(self, sent: Sent, told: str) -> None:
        """What came of a call, as the function gets to hear it: done, refused, nothing, …"""
        sent.told = told
        self.note("told", *sent.call.values(), told)
        if sent.action == LIST and told == "done":
            self._listed[sent.invocation.number, sent.task, sent.key[0]] = sent.left
        elif told == "nothing" and sent.action == CREATE:
            self._doubts[sent.who] = self.scheduler.time
            self.unanswered.add(sent.who[1:])
        elif told == "refused":
            self.refusals[sent.who] = sent.arrived

    def arrived(self, sent: Sent) -> None:
        """The server sees a call. One that was lost on its way for seconds is no matter of pacing; those that others are
        not promised to know of are counted by themselves."""
        sent.arrived = now = self.scheduler.time
        if sent.late:
            return
        seen = self._arrivals.setdefault((sent.action, sent.apart), deque())
        seen.append(now)
        while seen[0] <= now - 1:
            seen.popleft()
        if len(seen) > LIMIT:
            raise Violation(f"I4: {len(seen)} calls of {sent.action} within a second")

    def updated(self, module: Module, sent: Sent) -> None:
        before = module.since(sent.invocation.began - self.plan.lag)
        alias, desc = sent.call.get("AliasName", ""), sent.call.get("Desc", "")
        for name in sent.invocation.names:
            asked = self.asked[name].asked
            if asked.policy == "update" and asked.key == sent.key:
                aliases = {asked.alias} if asked.alias is not None else {state.alias for state in before}
                descs = {asked.desc} if asked.desc is not None else {state.desc for state in before}
                if alias in aliases and desc in descs:
                    break
        else:
            raise Violation(f"I3: nobody asked for this update of {sent.key}: {alias!r}, {desc!r}")
        module.states.append(State(self.scheduler.time, alias, desc))
        self.updates.setdefault(sent.key, []).append(sent)
        self.note("updated", *sent.key)

    def put_back(self, invocation: Invocation, body: str) -> Message:
        """The queue takes a request once more."""
        request = json.loads(body)
        name, attempt = request["Id"], request.get("Attempt", 1)
        history = self.asked[name]
        if (name, attempt - 1) not in invocation.requests:
            raise Violation(f"I1: {name} is put back for attempt {attempt}, and was not delivered for the one before")
        history.put_backs += 1
        invocation.put_back.add(name)
        self.note("put back", name, attempt)
        doubtful = self._who(invocation, history.asked) in self._doubts
        return Message(f"b{len(self.trace)}", body, ((name, attempt),), doubtful)

    def letter(self, body: str) -> None:
        letter = json.loads(body)
        self.asked[letter["Request"]["Id"]].letters += 1
        self.hold(that=bool(letter.get("Reason")), otherwise="I1: a dead letter without a reason")
        self.note("dead letter", letter["Request"]["Id"], letter["Reason"], letter["Detail"])

    def acknowledge(self, invocation: Invocation) -> None:
        """The platform believes that a batch is done."""
        self.note("acknowledge", invocation.number)
        for name in invocation.names:
            if not self.asked[name].events and name not in invocation.put_back:
                raise Violation(f"I5: {name} is acknowledged, with no outcome and not put back")

    def end(self) -> None:
        for name, history in self.asked.items():
            if not history.events and not history.letters:
                raise Violation(f"I1: {name} has neither an outcome nor a dead letter")
