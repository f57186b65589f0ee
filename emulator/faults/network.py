"""Lets servers refuse connections for a time."""

import asyncio
from collections.abc import Mapping

from uvicorn import Server

from emulator.connection import Wire, listen, reset

TICKS = 4
"""Turns of the loop until the server knows a connection that was accepted."""
_AGAIN = 0.05


class Network:
    """The servers of the local cloud."""

    def __init__(self) -> None:
        self.servers: Mapping[str, Server] = {}
        self.down: dict[str, asyncio.Task[None]] = {}
        """The servers that refuse connections now."""

    def refuse(self, name: str, seconds: float) -> None:
        """Reset a server's connections, and refuse new ones for a time, unless it refuses them already."""
        if name not in self.down:
            task = asyncio.get_running_loop().create_task(_refuse(self.servers[name], seconds))
            self.down[name] = task
            task.add_done_callback(lambda _task: self.down.pop(name, None))

    async def restored(self) -> None:
        """Wait until every server listens."""
        await asyncio.gather(*self.down.values())

    async def restore(self) -> None:
        """Make every server listen now."""
        tasks = list(self.down.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _refuse(server: Server, seconds: float) -> None:
    addresses = [opened.getsockname()[:2] for listening in server.servers for opened in listening.sockets]
    await _accept_no_more(server)
    for connection in list(server.server_state.connections):
        reset(connection.transport)
    try:
        await asyncio.sleep(seconds)
    finally:
        if not server.should_exit:
            server.servers = [await _listen_again(server, *address) for address in addresses]


async def _accept_no_more(server: Server) -> None:
    """Close the listening sockets, after the server knows all connections: asyncio would leave one open that it just accepts."""
    for listening in server.servers:
        for opened in listening.sockets:
            asyncio.get_running_loop().remove_reader(opened.fileno())
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
            # Another process got the port for a connection of its own; it will soon be free again.
            await asyncio.sleep(_AGAIN)
        else:
            return await asyncio.get_running_loop().create_server(protocol, sock=opened)
