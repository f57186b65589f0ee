"""Servers that refuse connections for a time."""

import asyncio
from collections.abc import Mapping

from uvicorn import Server

from emulator.connection import Wire, listen, reset

TICKS = 4
"""Turns of the loop in which a connection that was accepted becomes one that the server knows."""
_AGAIN = 0.05


class Network:
    """The servers, by their names."""

    def __init__(self) -> None:
        self._servers: Mapping[str, Server] = {}
        self._down: dict[str, asyncio.Task[None]] = {}

    def attach(self, servers: Mapping[str, Server]) -> None:
        self._servers = servers

    def is_down(self, name: str) -> bool:
        """Tell whether a server refuses connections now."""
        return name in self._down

    def refuse(self, name: str, seconds: float) -> None:
        """Reset a server's connections, and refuse new ones for a time; nothing happens where it refuses already."""
        if name in self._down or name not in self._servers:
            return
        task = asyncio.get_running_loop().create_task(self._refusing(name, seconds))
        self._down[name] = task
        task.add_done_callback(lambda _task: self._down.pop(name, None))

    async def _refusing(self, name: str, seconds: float) -> None:
        server = self._servers[name]
        addresses = [own.getsockname()[:2] for listening in server.servers for own in listening.sockets]
        await _accept_no_more(server)
        for connection in list(server.server_state.connections):
            reset(connection.transport)
        try:
            await asyncio.sleep(seconds)
        finally:
            if not server.should_exit:
                server.servers = [await _listen_again(server, *address) for address in addresses]

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
        for own in listening.sockets:
            asyncio.get_running_loop().remove_reader(own.fileno())
    for _ in range(TICKS):
        await asyncio.sleep(0)
    for listening in server.servers:
        listening.close()


async def _listen_again(server: Server, host: str, port: int) -> asyncio.Server:
    def protocol() -> asyncio.Protocol:
        return Wire(config=server.config, server_state=server.server_state, app_state=server.lifespan.state)

    while True:
        try:
            opened = listen(host, port)
        except OSError:
            # Another process was given the port for a moment, for a connection of its own.
            await asyncio.sleep(_AGAIN)
        else:
            return await asyncio.get_running_loop().create_server(protocol, sock=opened)
