"""What the operations of SMQ's HTTP API have in common."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from emulator.smq.errors import BadRequest
from emulator.smq.limits import LARGEST_PAGE, Limit, Page
from emulator.smq.service import MessageService
from emulator.smq.wire import Element, element


@dataclass(frozen=True)
class Reply:
    """An answer: an XML document, or nothing but a status."""

    status: int
    content: Element | None = None
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

    def number(self, name: str, limit: Limit, default: int) -> int:
        """Return a number of the query. Raises: BadRequest, InvalidArgument."""
        text = self.query.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            raise BadRequest(f"Http request URL contains invalid querystring item {name}.", "InvalidQueryString")
        limit.check(name, int(text))
        return int(text)

    @property
    def place(self) -> str:
        """The URL of what the path names: the Location of what was created."""
        return "/".join([self.base, *(part for pair in self.names.items() for part in pair)])


Run = Callable[[Call], Awaitable[Reply]]
When = Callable[[Call], bool]


def always(_call: Call) -> bool:
    """No other operation has this method and path."""
    return True


def has(name: str) -> When:
    """Whether the query has a parameter."""
    return lambda call: name in call.query


@dataclass(frozen=True)
class Operation:
    """Runs at a method and path; `when` chooses among those that share them, in their order."""

    action: str
    method: str
    path: str
    run: Run
    when: When = always

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the names in the path; None where the request means another operation."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        names = re.fullmatch(pattern, path)
        return names.groupdict() if names and method == self.method else None


@dataclass(frozen=True)
class Listing:
    """The part of a list that is asked for."""

    prefix: str
    marker: str
    count: int
    with_meta: bool


def read_listing(call: Call) -> Listing:
    """Raises: InvalidArgument."""
    number = call.headers.get("x-mns-ret-number", str(LARGEST_PAGE))
    count = int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 0
    Limit(1, LARGEST_PAGE).check("x-mns-ret-number", count)
    return Listing(
        prefix=call.headers.get("x-mns-prefix", ""),
        marker=call.headers.get("x-mns-marker", ""),
        count=count,
        with_meta=call.headers.get("x-mns-with-meta", "").lower() == "true",
    )


def list_reply(root: str, page: Page, items: list[Element]) -> Reply:
    """Answer with a list; NextMarker only where there is more, since the SDK cannot read an empty one."""
    marker = [element("NextMarker", page.marker)] if page.marker else []
    return Reply(200, element(root, *items, *marker))


def created_reply(call: Call, new: bool) -> Reply:
    """Answer with 201, or 204 for what existed; the SDK needs Location with both."""
    return Reply(201 if new else 204, headers={"Location": call.place})


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
