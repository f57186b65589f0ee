"""What HTTP servers do on the wire when they misbehave: reset, refuse, fall silent, close without a word."""

import asyncio
import socket
from collections.abc import Mapping

from uvicorn import Server

from emulator.connection import Wire, reset

TICKS = 4
"""Turns of the loop in which a connection that was accepted becomes one that the server knows."""
_AGAIN = 0.05


class Network:
    """The servers by their names, as far as connections to them can be refused."""

    def __init__(self) -> None:
        self._servers: Mapping[str, Server] = {}
        self._down: dict[str, asyncio.Task[None]] = {}

    def attach(self, servers: Mapping[str, Server]) -> None:
        self._servers = servers

    def refuse(self, name: str, seconds: float) -> None:
        """Reset a server's connections, and refuse new ones for a time. One that is refusing already is left alone."""
        if name in self._down or name not in self._servers:
            return
        task = asyncio.get_running_loop().create_task(self._refusing(name, seconds))
        self._down[name] = task
        task.add_done_callback(lambda _task: self._down.pop(name, None))

    async def _refusing(self, name: str, seconds: float) -> None:
        server = self._servers[name]
        address = server.servers[0].sockets[0].getsockname()
        await _accept_no_more(server)
        for connection in list(server.server_state.connections):
            reset(connection.transport)
        try:
            await asyncio.sleep(seconds)
        finally:
            if not server.should_exit:
                server.servers = [await _listening(server, address)]

    async def restored(self) -> None:
        """Wait until every server listens."""
        await asyncio.gather(*self._down.values())

    async def restore(self) -> None:
        """Have every server listen now."""
        tasks = list(self._down.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _accept_no_more(server: Server) -> None:
    """Close the listening sockets. asyncio would forget, and leave open, what it is just accepting: that is let in first."""
    for listening in server.servers:
        for each in listening.sockets:
            asyncio.get_running_loop().remove_reader(each.fileno())
    for _ in range(TICKS):
        await asyncio.sleep(0)
    for listening in server.servers:
        listening.close()


async def _listening(server: Server, address: tuple[str, int]) -> asyncio.Server:
    def protocol() -> asyncio.Protocol:
        return Wire(config=server.config, server_state=server.server_state, app_state=server.lifespan.state)

    while True:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(address)
            made.listen(512)
            return await asyncio.get_running_loop().create_server(protocol, sock=made)
        except OSError:
            # Another process was given the port for a moment, for a connection of its own.
            made.close()
            await asyncio.sleep(_AGAIN)
