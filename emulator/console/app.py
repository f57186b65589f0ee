"""The first port: the page, and the control API behind it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from emulator.cloud import Cloud
from emulator.console import faults_api, pages
from emulator.console.api import Api, problem
from emulator.console.guard import Guard
from emulator.console.watch import Watch


def application(cloud: Cloud) -> ASGIApp:
    """The ASGI app of the first port; it looks at the cloud while the server runs."""
    watch = Watch(cloud)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with watch.running():
            yield

    routes = [*pages.routes(), *Api(watch).routes(), *faults_api.routes(cloud.faults)]
    return Guard(Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: problem}))
