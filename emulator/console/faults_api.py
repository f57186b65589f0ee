"""The control API of faults.

GET /faults          the rules in force: their ids, how many calls they matched (`seen`), how often they struck (`fired`)
POST /faults         add a rule
PUT /faults          replace the plan: `{"seed": 1, "rules": [...]}`
GET /faults/plan     the plan in force, as PUT takes it
DELETE /faults[/ID]  end all rules, or this one
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.console.bodies import read_model
from emulator.faults.injection import Faults
from emulator.faults.plan import Plan, Rule

LARGEST_PLAN = 1024 * 1024


def routes(faults: Faults) -> list[Route]:
    """Return the routes that the console's app mounts."""

    async def show(_request: Request) -> Response:
        return JSONResponse([active.as_json() for active in faults])

    async def plan(_request: Request) -> Response:
        return JSONResponse(faults.plan.as_json())

    async def add(request: Request) -> Response:
        rule = await read_model(request, Rule, LARGEST_PLAN)
        return JSONResponse(faults.add(rule).as_json(), 201)

    async def put(request: Request) -> Response:
        faults.set(await read_model(request, Plan, LARGEST_PLAN))
        return await show(request)

    async def clear(request: Request) -> Response:
        name = request.path_params.get("id")
        if not faults.clear(name) and name is not None:
            raise HTTPException(404, f"there is no fault {name!r}")
        return await show(request)

    return [
        Route("/faults", show, methods=["GET"]),
        Route("/faults", add, methods=["POST"]),
        Route("/faults", put, methods=["PUT"]),
        Route("/faults", clear, methods=["DELETE"]),
        Route("/faults/plan", plan, methods=["GET"]),
        Route("/faults/{id}", clear, methods=["DELETE"]),
    ]
