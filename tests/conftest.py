"""What every test may use."""

import gc
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from starlette.types import ASGIApp


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through all of it again stops every thread for up to a quarter of a second."""
    gc.collect()
    gc.freeze()


class ServedApp:
    """An ASGI app on a free loopback port, in a thread of its own."""

    def __init__(self, app: ASGIApp) -> None:
        # asyncio sets TCP_NODELAY only where the protocol is named; without it a reply in two writes takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        # Listening from here on: who connects before uvicorn runs waits in the backlog.
        self._socket.listen(128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """`serve(app)` serves an ASGI app until the test ends, and gives its URL: `http://127.0.0.1:PORT`."""
    served: list[ServedApp] = []

    def start(app: ASGIApp) -> str:
        served.append(ServedApp(app))
        return served[-1].url

    yield start
    for one in served:
        one.stop()
