"""Server-sent events for the pages that are open.

`hello`     once: which run of the cloud this is, and where its servers are
`rates`     samples of the calls in the last second; first those of the last minute
`outcomes`  outcomes that came, at most 500 at a time; a page that comes back gets those it missed
`state`     everything else, whenever something of it changes
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

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
        return StreamingResponse(self._write_events(known), media_type="text/event-stream")

    async def _write_events(self, known: int) -> AsyncIterator[str]:
        """Write the events for one page, which has the outcomes up to `known`."""
        watch, shown = self._watch, ""
        self._count += 1
        try:
            about = {"boot": watch.boot, "urls": asdict(watch.cloud.urls), "began": watch.began, "resumed": known > 0}
            yield _format_event("hello", json.dumps(about))
            yield _format_event("rates", json.dumps([sample.as_json(watch.shift) for sample in watch.rates.samples]))
            tick = watch.ticks
            while not self._ending.is_set():
                fresh = watch.journal.since(known)
                for start in range(0, len(fresh), AT_ONCE):
                    batch = fresh[start : start + AT_ONCE]
                    known = batch[-1].number
                    outcomes = json.dumps([watch.stories.summarize(outcome) for outcome in batch], ensure_ascii=False)
                    yield f"id: {watch.boot}:{known}\n" + _format_event("outcomes", outcomes)
                if watch.state() != shown:
                    shown = watch.state()
                    yield _format_event("state", shown)
                tick = await watch.wait_for_tick(tick)
                yield _format_event("rates", json.dumps([watch.rates.samples[-1].as_json(watch.shift)]))
        finally:
            self._count -= 1


def _format_event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
