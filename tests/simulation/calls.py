"""Calls of the API as the world sees them, and the invocations that make them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.simulation.messages import Entry, Message
from tests.simulation.modules import NONE, Key, Place
from tests.support.scheduler import Task

Who = tuple[int, Key, str]
"""A request in one invocation, as its calls show it: by module and alias."""


@dataclass(eq=False)
class Sent:
    """A call of the API on its way; `told` is what the function got to hear of it, `code` the code that it heard."""

    invocation: "Invocation"
    action: str
    call: Mapping[str, str]
    token: str = ""
    task: Task | None = None
    left: float = 0.0
    late: bool = False
    arrived: float = 0.0
    told: str = "nothing"
    code: str = ""
    apart: bool = False
    """Whether others are not promised to know of it (`tests.simulation.store`)."""

    def __post_init__(self) -> None:
        call = self.call
        self.place: Place = (call.get("IotInstanceId", NONE), call["ProductKey"])
        self.key: Key = (*self.place, call.get("ModuleName", "").lower())
        # Nearly every request has an alias of its own: it says whose call it is.
        self.who: Who = (self.invocation.number, self.key, call.get("AliasName", ""))


@dataclass(eq=False)
class Invocation:
    """One call of the function, and what it did."""

    number: int
    instance: str
    messages: list[Message]
    began: float
    calls: dict[Key, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    """By module; lists by product, with an empty name."""
    published: list[int] = field(default_factory=list)
    """Requests in the order in which the topic accepted their outcomes."""
    unpublished: set[int] = field(default_factory=set)
    """Requests whose outcome the topic or the dead-letter queue did not surely accept."""
    given_up: set[int] = field(default_factory=set)
    """Requests that the dead-letter queue accepted."""
    put_back: list[Message] = field(default_factory=list)
    back: dict[int, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    """The requests in these, by number."""
    left: set[int] = field(default_factory=set)
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
        found = defaultdict(list)
        for message in self.messages:
            for entry in message.entries:
                found[entry.number].append(entry)
        return dict(found)

    def calls_for(self, key: Key) -> list[Sent]:
        """The lists of a module's product, and then the calls for it."""
        return [*self.calls.get((*key[:2], ""), ()), *self.calls.get(key, ())]
