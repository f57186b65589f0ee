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

    async def list_rules(_request: Request) -> Response:
        return JSONResponse([active.as_json() for active in faults])

    async def show_plan(_request: Request) -> Response:
        return JSONResponse(faults.plan.as_json())

    async def add_rule(request: Request) -> Response:
        rule = await read_model(request, Rule, LARGEST_PLAN)
        return JSONResponse(faults.add(rule).as_json(), 201)

    async def set_plan(request: Request) -> Response:
        faults.set(await read_model(request, Plan, LARGEST_PLAN))
        return await list_rules(request)

    async def end_rules(request: Request) -> Response:
        name = request.path_params.get("id")
        if not faults.clear(name) and name is not None:
            raise HTTPException(404, f"fault {name!r} not found")
        return await list_rules(request)

    return [
        Route("/faults", list_rules, methods=["GET"]),
        Route("/faults", add_rule, methods=["POST"]),
        Route("/faults", set_plan, methods=["PUT"]),
        Route("/faults", end_rules, methods=["DELETE"]),
        Route("/faults/plan", show_plan, methods=["GET"]),
        Route("/faults/{id}", end_rules, methods=["DELETE"]),
    ]
