"""The servers' sockets, and the connection of a request."""

import asyncio
import contextlib
import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: close() discards unsent data, and sends RST."""


def listen(host: str, port: int) -> socket.socket:
    """Open a socket that listens on an address of this machine. Raises: OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each reply takes 40 ms.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(512)
    except OSError:
        opened.close()
        raise
    return opened


class Wire(HttpToolsProtocol):
    """The HTTP protocol, which gives requests their connection as `scope["state"]["transport"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST."""
    peer = transport.get_extra_info("socket")
    if peer is not None and not transport.is_closing():
        with contextlib.suppress(OSError):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
