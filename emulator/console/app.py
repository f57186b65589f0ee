"""The control API: what the local cloud is doing, as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.console import faults_api

if TYPE_CHECKING:
    from emulator.cloud import Cloud


def application(cloud: "Cloud") -> Starlette:
    """The ASGI app of the first port."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def state(_request: Request) -> Response:
        return JSONResponse(snapshot(cloud))

    return Starlette(routes=[Route("/healthz", healthz), Route("/state", state), *faults_api.routes(cloud.faults)])


def snapshot(cloud: "Cloud") -> dict[str, object]:
    """Queues, streams, instances and calls at this moment."""
    return {
        "urls": asdict(cloud.urls),
        "calls": {"lastSecond": cloud.iot.rates(), "limit": cloud.iot.limit, "throttles": dict(cloud.iot.throttles)},
        "queues": {queue.name: asdict(cloud.smq.depths(queue.name)) for queue in cloud.template.queues},
        "streams": [
            {
                "name": stream.config.name, "state": stream.state, "inFlight": stream.in_flight,
                "delivered": stream.delivered, "retried": stream.retried, "deadLettered": stream.dead_lettered,
            }
            for stream in cloud.streams
        ],
        "instances": [
            {
                "id": instance.id, "function": instance.config.name, "state": instance.state, "pid": instance.pid,
                "invocations": instance.invocations, "started": instance.started,
            }
            for instance in cloud.instances
        ],
    }  # fmt: skip
