"""The control API, as the page and scripts use it.

GET  /healthz                 answers 200
GET  /state                   queues, streams, functions, instances and calls at this moment
GET  /events                  the same and more, as server-sent events
GET  /modules                 the products and their modules
GET  /outcomes.csv            the outcomes: `?status=rejected&run=5ea7ef0c&search=mcu`
GET  /outcomes/N              an outcome and its story
GET  /requests/ID             the story of a request, finished or not
POST /requests                send one: `{"via": "queue" | "http", "request": {...}}`
GET  /request.schema.json     what a request must be
POST /queues/NAME/purge       discard its messages that no receiver has
POST /streams/NAME/pause      stop receiving; a call under way ends first
POST /streams/NAME/resume     receive again
GET  /dead-letters            the oldest 200
POST /dead-letters/replay     send them again: `{"messages": ["…"]}`, or `{}` for all
POST /dead-letters/discard    delete them: `{"messages": ["…"]}`
"""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from emulator.cloud import ROOT
from emulator.console import letters, outcomes_csv, sending
from emulator.console.bodies import encode, read_model, write_json
from emulator.console.snapshot import describe_products
from emulator.console.stream import Watchers
from emulator.console.watch import Watch
from emulator.smq.errors import SmqError

LARGEST_BODY = 256 * 1024
LETTERS_SHOWN = 200
SCHEMA = ROOT / "events" / "request.schema.json"
_TABLE_HEADERS = {
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": 'attachment; filename="outcomes.csv"',
}


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(_Body):
    """A request to send, and how to send it."""

    via: Literal["queue", "http"]
    request: dict[str, Any] | list[Any]


class Replay(_Body):
    """Dead letters to send again; None for all."""

    messages: Annotated[frozenset[str] | None, Field(max_length=LETTERS_SHOWN)] = None


class Discard(_Body):
    """Dead letters to delete."""

    messages: Annotated[frozenset[str], Field(max_length=LETTERS_SHOWN)]


class Purge(_Body):
    """Takes no options; requiring JSON keeps out the forms of other sites' pages."""


class Api:
    """Answers for one cloud."""

    def __init__(self, watch: Watch, ending: asyncio.Event) -> None:
        self._watch = watch
        self._cloud = watch.cloud
        self._watchers = Watchers(watch, ending)
        self._requests = self._cloud.template.outputs["RequestQueue"]
        self._dead = self._cloud.template.outputs["DeadLetterQueue"]

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.report_health),
            Route("/state", self.show_state),
            Route("/events", self._watchers.respond),
            Route("/modules", self.list_modules),
            Route("/outcomes.csv", self.export_outcomes),
            Route("/request.schema.json", self.show_schema),
            Route("/outcomes/{number:int}", self.show_outcome),
            Route("/requests", self.send_request, methods=["POST"]),
            Route("/requests/{name:path}", self.show_request),
            Route("/queues/{name}/purge", self.purge_queue, methods=["POST"]),
            Route("/streams/{name}/{action}", self.switch_stream, methods=["POST"]),
            Route("/dead-letters", self.list_letters),
            Route("/dead-letters/replay", self.replay_letters, methods=["POST"]),
            Route("/dead-letters/discard", self.discard_letters, methods=["POST"]),
        ]

    async def report_health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def show_state(self, _request: Request) -> Response:
        return JSONResponse(self._watch.describe_progress())

    async def switch_stream(self, request: Request) -> Response:
        name, action = request.path_params["name"], request.path_params["action"]
        stream = next((stream for stream in self._cloud.streams if stream.config.name == name), None)
        if stream is None or action not in ("pause", "resume"):
            raise HTTPException(404, "no such stream or action")
        if action == "pause":
            stream.pause()
        else:
            stream.resume()
        return JSONResponse({"name": name, "state": stream.state, "inFlight": stream.in_flight})

    async def purge_queue(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in [queue.name for queue in self._cloud.template.queues]:
            raise HTTPException(404, "queue not found")
        await read_model(request, Purge, LARGEST_BODY)
        return JSONResponse({"name": name, "discarded": self._cloud.smq.purge(name)})

    async def list_modules(self, _request: Request) -> Response:
        return JSONResponse(describe_products(self._cloud))

    async def show_outcome(self, request: Request) -> Response:
        outcome = self._watch.journal.find(request.path_params["number"])
        if outcome is None:
            raise HTTPException(404, "outcome not found")
        story = self._watch.stories.tell(outcome.request)
        return JSONResponse({**story, "outcome": outcome.event, "n": outcome.number})

    async def export_outcomes(self, request: Request) -> Response:
        wanted = [request.query_params.get(name, "") for name in ("status", "run", "search")]
        summaries = map(self._watch.stories.summarize, self._watch.journal.outcomes)
        content = outcomes_csv.write_csv(summary for summary in summaries if outcomes_csv.matches(summary, *wanted))
        return Response(content, headers=_TABLE_HEADERS)

    async def show_schema(self, _request: Request) -> Response:
        return FileResponse(SCHEMA, media_type="application/schema+json")

    async def show_request(self, request: Request) -> Response:
        story = self._watch.stories.tell(request.path_params["name"])
        if not story["steps"]:
            raise HTTPException(404, "request not found")
        return JSONResponse(story)

    async def send_request(self, request: Request) -> Response:
        order = await read_model(request, Order, LARGEST_BODY)
        if order.via == "http":
            return JSONResponse(await sending.post(self._cloud, order.request))
        try:
            message = self._cloud.smq.send(self._requests, encode(write_json(order.request)))
        except SmqError as error:
            raise HTTPException(422, error.text) from error
        return JSONResponse({"message": message}, 202)

    async def list_letters(self, _request: Request) -> Response:
        return JSONResponse(letters.peek(self._cloud.smq, self._dead, LETTERS_SHOWN))

    async def replay_letters(self, request: Request) -> Response:
        names = (await read_model(request, Replay, LARGEST_BODY)).messages
        return JSONResponse(asdict(letters.replay(self._cloud.smq, self._dead, self._requests, names)))

    async def discard_letters(self, request: Request) -> Response:
        names = (await read_model(request, Discard, LARGEST_BODY)).messages
        return JSONResponse({"discarded": letters.discard(self._cloud.smq, self._dead, names)})
