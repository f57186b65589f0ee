"""The control API, as the page and scripts use it.

GET  /healthz                 is it there?
GET  /state                   queues, streams, functions, instances and calls at this moment
GET  /events                  the same and more, live: server-sent events
GET  /modules                 the products and their modules
GET  /outcomes/N              an outcome and the whole story behind it
GET  /requests/ID             the story of a request, finished or not
POST /requests                send one: `{"via": "queue" | "http", "request": {...}}`
GET  /dead-letters            the oldest 200
POST /dead-letters/replay     send them again: `{"messages": ["…"]}`, or `{}` for all
"""

from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.console import letters, sending
from emulator.console.snapshot import products, snapshot
from emulator.console.stream import Watchers
from emulator.console.watch import Watch
from emulator.smq.errors import SmqError

LARGEST_BODY = 256 * 1024
LETTERS_SHOWN = 200


class Order(BaseModel):
    """A request to send, and the way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    via: Literal["queue", "http"]
    request: dict[str, Any] | list[Any]


class Replay(BaseModel):
    """Dead letters to send again; None for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: Annotated[frozenset[str] | None, Field(max_length=LETTERS_SHOWN)] = None


M = TypeVar("M", bound=BaseModel)


class Api:
    """Answers for one cloud."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._cloud = watch.cloud
        self._watchers = Watchers(watch)

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.healthz),
            Route("/state", self.state),
            Route("/events", self._watchers.respond),
            Route("/modules", self.modules),
            Route("/outcomes/{number:int}", self.outcome),
            Route("/requests", self.send, methods=["POST"]),
            Route("/requests/{name:path}", self.request),
            Route("/dead-letters", self.dead_letters),
            Route("/dead-letters/replay", self.replay, methods=["POST"]),
        ]

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def state(self, _request: Request) -> Response:
        return JSONResponse(snapshot(self._cloud))

    async def modules(self, _request: Request) -> Response:
        return JSONResponse(products(self._cloud))

    async def outcome(self, request: Request) -> Response:
        seen = self._watch.journal.find(request.path_params["number"])
        return JSONResponse(self._watch.stories.of(seen)) if seen else _problem(404, "this outcome is not remembered")

    async def request(self, request: Request) -> Response:
        story = self._watch.stories.of_request(request.path_params["name"])
        return JSONResponse(story) if story["steps"] else _problem(404, "nothing was seen of this request")

    async def send(self, request: Request) -> Response:
        order = await _read(request, Order)
        try:
            if order.via == "queue":
                return JSONResponse({"message": sending.to_queue(self._cloud, order.request)}, 202)
            return JSONResponse(asdict(await sending.over_http(self._cloud, order.request)))
        except SmqError as error:
            return _problem(422, error.text)
        except sending.NoAnswer as error:
            return _problem(502, f"the HTTP trigger did not answer: {error}")

    async def dead_letters(self, _request: Request) -> Response:
        return JSONResponse(letters.listed(self._cloud.smq, self._dead, LETTERS_SHOWN))

    async def replay(self, request: Request) -> Response:
        chosen = await _read(request, Replay)
        requests = self._cloud.template.outputs["RequestQueue"]
        done = letters.replay(self._cloud.smq, self._dead, requests, chosen.messages)
        return JSONResponse(asdict(done))

    @property
    def _dead(self) -> str:
        return self._cloud.template.outputs["DeadLetterQueue"]


async def problem(_request: Request, error: Exception) -> Response:
    """What an HTTPException says, in the form of all other problems."""
    found = error if isinstance(error, HTTPException) else HTTPException(500)
    return _problem(found.status_code, found.detail)


async def _read(request: Request, model: type[M]) -> M:
    """Raises: HTTPException."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send application/json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, f"more than {LARGEST_BODY} bytes")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise HTTPException(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)
