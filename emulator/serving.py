"""Serves a local cloud: four servers on one asyncio loop, the streams, and what goes on in the background."""

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from functools import partial
from itertools import chain

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
"""Seconds between two looks for idle instances."""
_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs the local cloud."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[Cloud]:
    """Serve a new local cloud until the block is left; then nothing is left running.

    Raises: OSError: a port is taken; TemplateError.
    """
    sockets = _listen(options.port)
    try:
        cloud = Cloud(options, Urls(*(f"http://127.0.0.1:{_port(listening)}" for listening in sockets)))
    except BaseException:
        _close(sockets)
        raise
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


def _applications(cloud: Cloud, ending: asyncio.Event) -> list[ASGIApp]:
    """The apps of the servers, in the order of their ports."""
    around = Surroundings(cloud.faults, cloud.accounts, cloud.network, cloud.processes, cloud.records)

    def faulty(app: ASGIApp, service: Service, read: Reader) -> ASGIApp:
        return FaultyApp(app, service, read, around)

    return [
        console(cloud, ending),
        faulty(iot_api.application(cloud.iot), "iot", callers.of_iot),
        faulty(smq_api.application(cloud.smq), "smq", partial(callers.of_smq, cloud.smq)),
        faulty(fc_api.application(cloud.fc), "fc", callers.of_fc),
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


def _listen(port: int) -> list[list[socket.socket]]:
    """Open the sockets of each server, on loopback: 127.0.0.1, and ::1 where there is one.

    Raises: OSError: a port is taken.
    """
    sockets: list[list[socket.socket]] = []
    try:
        for number, _name in enumerate(SERVERS):
            sockets.append([listen("127.0.0.1", port + number if port else 0)])
            try:
                sockets[-1].append(listen("::1", _port(sockets[-1])))
            except OSError as error:
                # Else there is no IPv6 here, or a port that happened to be free is so for IPv4 alone.
                if port and error.errno == errno.EADDRINUSE:
                    raise
    except OSError:
        _close(sockets)
        raise
    return sockets


def _port(sockets: Sequence[socket.socket]) -> int:
    return int(sockets[0].getsockname()[1])


def _close(sockets: Sequence[Sequence[socket.socket]]) -> None:
    for opened in chain.from_iterable(sockets):
        opened.close()


async def _run(stream: EventStream) -> None:
    """Run a stream, and log it where it ends by an error of its own."""
    try:
        await stream.run()
    except Exception:  # noqa: BLE001 - whatever it was, the other parts go on
        _log.exception("the stream %s has ended", stream.config.name)


async def _end_idle(cloud: Cloud) -> None:
    while True:
        await asyncio.sleep(IDLE_CHECK)
        await cloud.fc.end_idle()
