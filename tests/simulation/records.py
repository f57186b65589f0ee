"""What the simulated world saw: requests, calls, invocations. Nothing here is the function's word.

Raises Violation as soon as one of these does not hold:

I3  No module is created blindly where an earlier call may have created it, and no update is applied that nobody asked for.
I4  In any second, at most ten calls of one operation reach the API.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from handler.iot import CREATE, LIST
from tests.simulation.account import Call, Caller, Invocation, Module, Place, State
from tests.simulation.messages import Message
from tests.simulation.plan import Plan
from tests.simulation.workload import Asked
from tests.support.scheduler import Scheduler, Task, Violation

LIMIT = 10
_MARKED = re.compile(r'"correlationid": ?"#(\d+)#"')
_NAMED = re.compile(r'"causationid": ?"([^"]*)"')


@dataclass(eq=False)
class History:
    """What became of one request."""

    asked: Asked
    deliveries: int = 0
    invocations: set[Invocation] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    letters: set[int] = field(default_factory=set)
    """The replays, 0 for the first time, in which it was given up."""
    doubts: list[float] = field(default_factory=list)
    """When the create calls left of which nobody was told what came of them."""
    since: float | None = None
    """When it was put back first."""
    repeated: bool = False
    """Whether one of its messages was delivered more than once, or it went back more than once: what one delivery found out,
    another cannot know."""


@dataclass
class Records:
    """Keeps what happened."""

    plan: Plan
    scheduler: Scheduler
    apart: Callable[[Call], bool]
    """Whether others are not promised to know of a call that leaves now."""
    asked: dict[int, History] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    """Requests by every id that the contract gives them."""
    trace: list[tuple[object, ...]] = field(default_factory=list)
    calls: int = 0
    doubts: dict[Caller, float] = field(default_factory=dict)
    """Since when a create call of a request is known to have got no answer."""
    throttled: dict[str, float] = field(default_factory=dict)
    """When an instance was throttled last."""
    _running: dict[str, Invocation] = field(default_factory=dict)
    """The last invocation of each instance."""
    _listed: dict[tuple[int, Task | None, Place], float] = field(default_factory=dict)
    """When the last list of a product's modules left that was answered, by invocation and task."""
    _arrivals: dict[str, deque[Call]] = field(default_factory=lambda: defaultdict(deque))
    _invocations: int = 0
    _delivered: set[str] = field(default_factory=set)

    @property
    def invocation(self) -> Invocation:
        """The invocation of the process that runs now."""
        current = self.scheduler.current
        assert current is not None and current.process is not None
        return self._running[current.process.name]

    def note(self, *what: object) -> None:
        current = self.scheduler.current
        instance = current.process.name if current is not None and current.process is not None else "-"
        self.trace.append((self.scheduler.time, instance, *what))

    def find_request(self, event: str) -> int:
        """The request that an outcome, as JSON, is about."""
        if marked := _MARKED.search(event):
            return int(marked[1])
        named = _NAMED.search(event)
        if named is None or named[1] not in self.names:
            raise Violation(f"I2: nobody knows the request of {event}")
        return self.names[named[1]]

    def begin(self, instance: str, messages: list[Message]) -> Invocation:
        self._invocations += 1
        invocation = Invocation(self._invocations, instance, messages, self.scheduler.time)
        self._running[instance] = invocation
        self.note("receive", self._invocations, [message.id for message in messages])
        for message in messages:
            again = message.id in self._delivered
            self._delivered.add(message.id)
            for entry in message.entries:
                history = self.asked[entry.number]
                history.invocations.add(invocation)
                history.deliveries += 1
                history.repeated |= again
            for history in map(self.asked.__getitem__, message.doubtful):
                if not history.repeated:  # another copy may have been the one that called
                    self.doubts[identify(invocation, history.asked)] = invocation.began
        return invocation

    def note_call(self, call: Call) -> None:
        """A call leaves."""
        self.calls += 1
        call.task, call.left = self.scheduler.current, self.scheduler.time
        call.apart = self.apart(call)
        self.note("send", *call.parameters.values())
        if call.action == CREATE and call.caller in self.doubts:
            listed = self._listed.get((call.invocation.number, call.task, call.place), -1.0)
            if listed < self.doubts[call.caller]:
                raise Violation(f"I3: {call.caller} was created blindly, with a call before it whose effect is unknown")

    def note_answer(self, call: Call, kind: str) -> None:
        """What came of a call, as the function gets to hear it."""
        call.heard = kind
        self.note("answered", *call.parameters.values(), kind)
        if kind == "throttled":
            self.throttled[call.invocation.instance] = self.scheduler.time
        if call.action == LIST and kind == "done":
            self._listed[call.invocation.number, call.task, call.place] = call.left
        elif kind == "nothing" and call.action == CREATE:
            self.doubts[call.caller] = self.scheduler.time
            for history in map(self.asked.__getitem__, call.invocation.entries):
                if history.asked.valid and history.asked.key == call.key and is_call_of(history.asked, call):
                    history.doubts.append(call.left)

    def note_arrival(self, call: Call) -> None:
        """The server sees a call. One that was lost on its way for seconds is no matter of pacing; those that others are
        not promised to know of are counted by themselves."""
        call.arrived = now = self.scheduler.time
        if call.late:
            return
        seen = self._arrivals[call.action]
        seen.append(call)
        while seen[0].arrived <= now - 1:
            seen.popleft()
        if len(seen) > LIMIT and max(Counter(each.apart for each in seen).values()) > LIMIT:
            raise Violation(f"I4: {len(seen)} calls of {call.action} within a second")

    def update(self, module: Module, state: State) -> None:
        call = state.by
        assert call is not None
        before = module.since(call.invocation.began - self.plan.lag)
        requests = (self.asked[number].asked for number in call.invocation.entries)
        if not any(
            asked.policy == "update" and asked.valid and asked.key == call.key and _asks_for(asked, state, before)
            for asked in requests
        ):
            raise Violation(f"I3: nobody asked for this update of {call.key}: {state.alias, state.desc}")
        module.states.append(state)
        self.note("updated", *call.key)


def identify(invocation: Invocation, asked: Asked) -> Caller:
    """A request in an invocation, as its calls show it."""
    return invocation.number, asked.key, asked.alias or ""


def is_call_of(asked: Asked, call: Call) -> bool:
    """Whether a call asks for what a request asks for."""
    fields = ("ModuleName", "AliasName", "Desc")
    return [call.parameters.get(name) for name in fields] == [asked.body.get(name) for name in fields]


def _asks_for(asked: Asked, state: State, before: list[State]) -> bool:
    """Whether a request asks for a state; what it leaves out stays as it was."""
    aliases = {asked.alias} if asked.alias is not None else {each.alias for each in before}
    descs = {asked.desc} if asked.desc is not None else {each.desc for each in before}
    return state.alias in aliases and state.desc in descs
