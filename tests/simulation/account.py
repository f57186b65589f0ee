"""The modules of the simulated account and all that each ever was, with the calls and invocations that made them so."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from tests.simulation.messages import Entry, Message
from tests.support.scheduler import Task

MOST_CUSTOM = 10
GOOD, OTHER, OVERDUE, WRONG, NONE = "iot-good", "iot-other", "iot-overdue", "iot-wrong", ""
"""Instances: two that work, one in arrears, one that does not exist; and no instance, where a call names none."""

Place = tuple[str, str]
"""An instance and a product."""
Key = tuple[str, str, str]
"""Instance, product and name in lower case: what makes two requests mean the same module."""
Caller = tuple[int, Key, str]
"""A request in one invocation, as its calls show it: by module and alias."""


@dataclass(eq=False)
class Call:
    """A call of the API on its way; `heard` is what the function got to hear of it, `code` the code that it heard."""

    invocation: "Invocation"
    action: str
    parameters: Mapping[str, str]
    token: str = ""
    task: Task | None = None
    left: float = 0.0
    late: bool = False
    arrived: float = 0.0
    heard: str = "nothing"
    code: str = ""
    apart: bool = False
    """Whether others are not promised to know of it (`tests.simulation.store`)."""

    def __post_init__(self) -> None:
        parameters = self.parameters
        self.place: Place = (parameters.get("IotInstanceId", NONE), parameters["ProductKey"])
        self.key: Key = (*self.place, parameters.get("ModuleName", "").lower())
        # Nearly every request has an alias of its own: it says whose call it is.
        self.caller: Caller = (self.invocation.number, self.key, parameters.get("AliasName", ""))


@dataclass(eq=False)
class Invocation:
    """One call of the function, and what it did."""

    number: int
    instance: str
    messages: list[Message]
    began: float
    calls: dict[Key, list[Call]] = field(default_factory=lambda: defaultdict(list))
    """By module; lists by product, with an empty name."""
    published: set[int] = field(default_factory=set)
    """Requests of which the topic accepted an outcome."""
    unpublished: set[int] = field(default_factory=set)
    """Requests whose outcome the topic or the dead-letter queue did not surely accept."""
    given_up: set[int] = field(default_factory=set)
    """Requests that the dead-letter queue accepted."""
    put_back: list[Message] = field(default_factory=list)
    back: dict[int, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    """The requests in these, by number."""
    untouched: set[int] = field(default_factory=set)
    """Requests of messages that it did not take on."""
    queue_failed: bool = False
    """Whether the request queue did not surely accept something."""
    queue_refused: bool = False
    """Whether the request queue said that it does not take something."""
    disturbed: bool = False
    """Whether anything went wrong around it: then it need not get on."""

    @cached_property
    def entries(self) -> dict[int, list[Entry]]:
        """The requests in it; more than one entry where one was delivered in several copies."""
        entries = defaultdict(list)
        for message in self.messages:
            for entry in message.entries:
                entries[entry.number].append(entry)
        return dict(entries)

    def calls_for(self, key: Key) -> list[Call]:
        """The lists of a module's product, and then the calls for it."""
        return [*self.calls.get((*key[:2], ""), ()), *self.calls.get(key, ())]


class State(NamedTuple):
    """How a module looked from a time on, and whose call made it so; None: somebody else's."""

    since: float
    alias: str = ""
    desc: str = ""
    by: Call | None = None


@dataclass
class Module:
    """A module, and all that it ever was."""

    name: str
    states: list[State]

    @property
    def made(self) -> float:
        return self.states[0].since

    def at(self, then: float) -> State:
        return next((state for state in reversed(self.states) if state.since <= then), self.states[0])

    def since(self, then: float) -> list[State]:
        """The states that it had at that time or later."""
        return [self.at(then), *(state for state in self.states if state.since > then)]


@dataclass
class Account:
    """Products by place; an instance that has none does not exist, as far as calls can tell."""

    products: dict[Place, dict[str, Module]]

    def module(self, key: Key) -> Module | None:
        return self.products.get(key[:2], {}).get(key[2])

    def add(self, place: Place, name: str, state: State) -> bool:
        """Make a module, where the product exists and there is room for it."""
        modules = self.products.get(place)
        if modules is None or name.lower() in modules or len(modules) >= MOST_CUSTOM:
            return False
        modules[name.lower()] = Module(name, [state])
        return True

    def was_full(self, place: Place, during: float) -> bool:
        """Whether a product holds as many modules as it can, and did so at a time."""
        return sum(module.made <= during for module in self.products.get(place, {}).values()) >= MOST_CUSTOM
