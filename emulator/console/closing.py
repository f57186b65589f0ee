"""Whether the server is about to end: a stream that goes on for ever has to notice it by itself."""

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from emulator.connection import transport_of


class Closing:
    """Looks at the connection of a request: a server that ends tells every connection not to stay after its answer.

    A client that asked for that itself cannot be told apart by it, and is cut off after the server's grace.
    """

    def __init__(self, scope: Scope) -> None:
        transport = transport_of(scope)
        protocol = transport.get_protocol() if transport else None
        self._protocol = protocol if isinstance(protocol, HttpToolsProtocol) and protocol.cycle.keep_alive else None

    def __call__(self) -> bool:
        return self._protocol is not None and not self._protocol.cycle.keep_alive
