"""Server-sent events for the pages that are open.

`hello`     once: which run of the cloud this is, and where its servers are
`rates`     samples of the calls in the last second; first those of the last minute
`outcomes`  outcomes that came, at most 500 at a time; a page that comes back gets those it missed
`state`     everything else, whenever something of it changes
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from emulator.console.history import Seen
from emulator.console.watch import Watch

AT_ONCE = 500
MOST_WATCHERS = 50


class Watchers:
    """The pages that are open."""

    def __init__(self, watch: Watch, ending: asyncio.Event) -> None:
        self._watch = watch
        self._ending = ending
        self._count = 0

    async def respond(self, request: Request) -> Response:
        if self._count >= MOST_WATCHERS:
            return Response("too many pages are open", 503)
        boot, _, number = request.headers.get("last-event-id", "").partition(":")
        known = int(number) if boot == self._watch.boot and number.isdecimal() and len(number) < 12 else 0
        return StreamingResponse(self._events(known), media_type="text/event-stream")

    async def _events(self, known: int) -> AsyncIterator[str]:
        self._count += 1
        try:
            async for event in _Feed(self._watch, known, self._ending):
                yield event
        finally:
            self._count -= 1


@dataclass
class _Feed:
    """The events for one page, which has the outcomes up to `known`."""

    watch: Watch
    known: int
    ending: asyncio.Event
    state: str = ""

    async def __aiter__(self) -> AsyncIterator[str]:
        watch = self.watch
        about = {"boot": watch.boot, "urls": asdict(watch.cloud.urls), "began": watch.began, "resumed": self.known > 0}
        yield _event("hello", about)
        yield _event("rates", [sample.shown(watch.shift) for sample in watch.rates.samples])
        tick = watch.ticks
        while not self.ending.is_set():
            for seen in _chunks(watch.journal.since(self.known)):
                self.known = seen[-1].number
                shown = [watch.stories.summary(each) for each in seen]
                yield _event("outcomes", shown, f"{watch.boot}:{self.known}")
            state = watch.state()
            if state != self.state:
                self.state = state
                yield f"event: state\ndata: {state}\n\n"
            tick = await watch.next(tick)
            yield _event("rates", [watch.rates.samples[-1].shown(watch.shift)])


def _chunks(seen: list[Seen]) -> list[list[Seen]]:
    return [seen[start : start + AT_ONCE] for start in range(0, len(seen), AT_ONCE)]


def _event(name: str, value: object, number: str = "") -> str:
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {name}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n"
