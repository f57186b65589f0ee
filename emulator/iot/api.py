"""The IoT Platform API over HTTP."""

from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emulator.iot import rpc
from emulator.iot.service import IotPlatform

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]


def application(platform: IotPlatform) -> ASGIApp:
    """Return the ASGI app that answers for a platform."""

    async def answer(http: Request) -> Response:
        request = await rpc.read(http)
        response = (await platform.answer(request)).response(as_json=request.wants_json)
        # A wrong clock of the platform shows here, too.
        response.headers["Date"] = formatdate(platform.wall(), usegmt=True)
        return response

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])
