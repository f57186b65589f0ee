"""What the steps of one invocation are given from outside."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from handler.credentials import Credentials
from handler.log import Log
from handler.smq import Message


class Sinks(Protocol):
    """Where messages go; see `handler.smq.Outbox`. `publish` and `dead_letter` raise SinkError."""

    @property
    def until(self) -> float:
        """When nothing is sent any more, in clock seconds."""
        ...

    def publish(self, body: str, tag: str) -> None: ...

    def dead_letter(self, body: str) -> None: ...

    def put_back(self, messages: Sequence[Message]) -> list[Message]:
        """Send at most 16 messages to come again; returns those that the queue did not take."""
        ...


class Limits(NamedTuple):
    """What the settings say about a request's life."""

    max_attempts: int
    on_existing: str
    instance: str | None
    has_queue: bool
    max_age: float = 86_400.0
    """Seconds after which a request is given up that is put back without costing an attempt."""
    rate: float = 9.0
    """Calls a second of one operation that this instance may make."""
    has_dead_letters: bool = False


class Invocation(NamedTuple):
    """What belongs to one invocation: its keys, its deadline (clock seconds), its sinks, its log, its source."""

    credentials: Callable[[], Credentials]
    deadline: float
    sinks: Sinks
    log: Log
    source: str
    """The CloudEvents source: `/ota-modules/<region>/<function>`."""
