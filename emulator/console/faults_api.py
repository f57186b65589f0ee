"""The control API of faults: what goes wrong on purpose.

GET /faults          the rules in force: their ids, how many calls they matched (`seen`), how often they struck (`fired`)
POST /faults         one rule more
PUT /faults          a plan, in place of the one before: `{"seed": 1, "rules": [...]}`
GET /faults/plan     the plan in force, as PUT takes it
DELETE /faults[/ID]  everything goes right again, or all but this rule stay
"""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.faults.injection import Faults
from emulator.faults.plan import Plan, Rule

LARGEST_PLAN = 1024 * 1024
M = TypeVar("M", bound=BaseModel)


def routes(faults: Faults) -> list[Route]:
    """What the console's app mounts."""

    async def show(_request: Request) -> Response:
        return JSONResponse([each.as_json() for each in faults])

    async def plan(_request: Request) -> Response:
        return JSONResponse(faults.plan.as_json())

    async def add(request: Request) -> Response:
        rule = await _read(request, Rule.model_validate_json)
        return rule if isinstance(rule, Response) else JSONResponse(faults.add(rule).as_json(), 201)

    async def put(request: Request) -> Response:
        found = await _read(request, Plan.model_validate_json)
        if isinstance(found, Response):
            return found
        faults.set(found)
        return await show(request)

    async def clear(request: Request) -> Response:
        name = request.path_params.get("id")
        if not faults.clear(name) and name is not None:
            return _problem(404, f"there is no fault {name!r}")
        return await show(request)

    return [
        Route("/faults", show, methods=["GET"]),
        Route("/faults", add, methods=["POST"]),
        Route("/faults", put, methods=["PUT"]),
        Route("/faults", clear, methods=["DELETE"]),
        Route("/faults/plan", plan, methods=["GET"]),
        Route("/faults/{id}", clear, methods=["DELETE"]),
    ]


async def _read(request: Request, read: Callable[[bytes], M]) -> M | Response:
    # A page of another site can have a browser send a form or plain text here, but no JSON.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _problem(415, "send application/json")
    try:
        return read(await _body(request))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return _problem(422, f"{place}: {first['msg']}" if place else first["msg"])


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_PLAN:
            raise HTTPException(413)
    return bytes(body)


def _problem(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)
