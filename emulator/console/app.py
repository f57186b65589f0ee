"""The first port: the page, and the control API behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from emulator.cloud import Cloud
from emulator.console import faults_api
from emulator.console.api import Api
from emulator.console.bodies import answer_problem
from emulator.console.guard import Guard
from emulator.console.watch import Watch

PAGE = Path(__file__).with_name("page")
"""The folder of the page's files."""


def application(cloud: Cloud, ending: asyncio.Event) -> ASGIApp:
    """Return the ASGI app of the first port. Once `ending` is set, the streams of events end by themselves."""
    watch = Watch(cloud)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with watch.running():
            yield

    page = Mount("/", StaticFiles(directory=PAGE, html=True))
    routes = [*Api(watch, ending).routes(), *faults_api.routes(cloud.faults), page]
    return Guard(Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: answer_problem}))
