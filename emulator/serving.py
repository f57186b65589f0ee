"""Serves a local cloud: four servers on one asyncio loop, the streams, and background tasks."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import fields

import uvicorn
from starlette.types import ASGIApp

from emulator.cloud import Cloud, Options, Urls
from emulator.connection import Wire, listen
from emulator.console.app import application as console
from emulator.eventbridge.streams import EventStream
from emulator.faults import callers
from emulator.faults.http import FaultyApp, Reader, Surroundings
from emulator.faults.neighbours import call_as_neighbours
from emulator.faults.plan import Service
from emulator.fc import api as fc_api
from emulator.iot import api as iot_api
from emulator.pulse import Pulse
from emulator.smq.api import app as smq_api

SERVERS = tuple(field.name for field in fields(Urls))
"""The servers, in the order of their ports."""
IDLE_CHECK = 5.0
"""Seconds between two searches for idle instances."""
_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Leaves signals to the program that runs the local cloud."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[Cloud]:
    """Serve a new local cloud until the block ends; nothing runs after it.

    Raises: OSError: a port is taken; TemplateError.
    """
    with ExitStack() as opened:
        sockets = _listen(options.port, opened)
        cloud = Cloud(options, Urls(*(f"http://127.0.0.1:{_port(own)}" for own in sockets)))
        opened.pop_all()  # from here on, each server closes its own
    ending = asyncio.Event()
    servers = [
        _server(app, dated=name != "iot") for name, app in zip(SERVERS, _applications(cloud, ending), strict=True)
    ]
    cloud.network.servers = dict(zip(SERVERS, servers, strict=True))
    running = [asyncio.create_task(server.serve(own)) for server, own in zip(servers, sockets, strict=True)]
    streams = [asyncio.create_task(_run(stream)) for stream in cloud.streams]
    endless = [call_as_neighbours(cloud.faults, cloud.iot.consume), Pulse(cloud.records).run(), _end_idle(cloud)]
    background = [asyncio.create_task(work) for work in endless]
    try:
        while not all(server.started for server in servers):
            if any(task.done() for task in running):
                raise RuntimeError("a server of the local cloud did not start")
            await asyncio.sleep(0.01)
        yield cloud
    finally:
        ending.set()
        cloud.faults.clear()
        await cloud.network.restore()
        for stream in cloud.streams:
            stream.stop()
        await cloud.fc.stop()
        for server in servers:
            server.should_exit = True
        for task in background:
            task.cancel()
        await asyncio.gather(*running, *streams, *background, return_exceptions=True)
        cloud.smq.close()
        cloud.iot.products.close()


def _applications(cloud: Cloud, ending: asyncio.Event) -> list[ASGIApp]:
    """Return the apps of the servers, in the order of their ports."""
    around = Surroundings(cloud.faults, cloud.accounts, cloud.network, cloud.processes, cloud.records)

    def faulty(app: ASGIApp, service: Service, read: Reader) -> ASGIApp:
        return FaultyApp(app, service, read, around)

    return [
        console(cloud, ending),
        faulty(iot_api.application(cloud.iot), "iot", callers.read_iot),
        faulty(smq_api.application(cloud.smq), "smq", callers.read_smq),
        faulty(fc_api.application(cloud.fc), "fc", callers.read_fc),
    ]


def _server(app: ASGIApp, *, dated: bool) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=Wire,
        log_level="error",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=1,
        date_header=dated,  # the IoT API's own clock may be wrong on purpose
    )
    return _Server(config)


def _listen(port: int, opened: ExitStack) -> list[list[socket.socket]]:
    """Open the sockets of each server on loopback: 127.0.0.1, and ::1 if the machine has it.

    Raises: OSError: a port is taken.
    """
    sockets = []
    for number, _name in enumerate(SERVERS):
        own = [opened.enter_context(listen("127.0.0.1", port + number if port else 0))]
        try:
            own.append(opened.enter_context(listen("::1", _port(own))))
        except OSError as error:
            # Else there is no IPv6 here, or a port that was chosen freely is free for IPv4 only.
            if port and error.errno == errno.EADDRINUSE:
                raise
        sockets.append(own)
    return sockets


def _port(sockets: Sequence[socket.socket]) -> int:
    return int(sockets[0].getsockname()[1])


async def _run(stream: EventStream) -> None:
    """Run a stream, and log an error that ends it."""
    try:
        await stream.run()
    except Exception:  # noqa: BLE001 - the other parts go on
        _log.exception("the stream %s has ended", stream.config.name)


async def _end_idle(cloud: Cloud) -> None:
    while True:
        await asyncio.sleep(IDLE_CHECK)
        await cloud.fc.end_idle()
