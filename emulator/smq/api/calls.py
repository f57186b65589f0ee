"""The calls, operations and replies of SMQ's HTTP API."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from emulator.smq.errors import SmqError
from emulator.smq.limits import Limit
from emulator.smq.service import MessageService
from emulator.smq.wire import Content


@dataclass(frozen=True)
class Reply:
    """An answer: an XML document with the element `root`, or an empty body where it has none."""

    status: int
    root: str = ""
    content: Content = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A signed request. `names` are those in the path; the names of `headers` are in lower case.

    `gone` ends when the caller hangs up.
    """

    service: MessageService
    base: str
    names: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    gone: Callable[[], Awaitable[None]]

    @property
    def queue(self) -> str:
        return self.names["queues"]

    @property
    def topic(self) -> str:
        return self.names["topics"]

    @property
    def subscription(self) -> str:
        return self.names["subscriptions"]

    @property
    def url(self) -> str:
        """The URL of what the path names."""
        return "/".join([self.base, *(part for pair in self.names.items() for part in pair)])

    def number(self, name: str, limit: Limit, default: int) -> int:
        """Return a number of the query. Raises: SmqError."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            message = f"Http request URL contains invalid querystring item {name}."
            raise SmqError(400, "InvalidQueryString", message)
        limit.check(name, int(text))
        return int(text)


Run = Callable[[Call], Awaitable[Reply]]
When = Callable[[Mapping[str, str], bytes], bool]
"""A condition on a request's query and body."""


def has(name: str) -> When:
    """Return a condition: the query has a parameter of this name."""
    return lambda query, _body: name in query


@dataclass(frozen=True)
class Operation:
    """An operation at a method and path; `when` chooses among those that share them, in their order."""

    action: str
    method: str
    path: str
    run: Run
    when: When = lambda _query, _body: True

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the names in the path; None where the request means another operation."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        names = re.fullmatch(pattern, path)
        return names.groupdict() if names and method == self.method else None


async def unless_gone(call: Call, work: Awaitable[Reply]) -> Reply:
    """Do the work, but stop when the caller hangs up: a message received then would reach nobody."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(call.gone())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else Reply(499)
    finally:
        task.cancel()
        gone.cancel()
