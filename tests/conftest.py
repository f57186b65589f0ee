"""What every test may use."""

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp


def pytest_collection_finish() -> None:
    """Keep what is loaded by now: looking through all of it again stops every thread for up to a quarter of a second."""
    gc.collect()
    gc.freeze()


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an ASGI app on a free loopback port, in a thread of its own."""
    # asyncio sets TCP_NODELAY only where the protocol is named; without it a reply in two writes takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as port:
        port.bind(("127.0.0.1", 0))
        port.listen(128)  # from here on: who connects before uvicorn runs waits in the backlog
        config = uvicorn.Config(app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([port],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{port.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """`serve(app)` serves an ASGI app until the test ends, and gives its URL: `http://127.0.0.1:PORT`."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))
