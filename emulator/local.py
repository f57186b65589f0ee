"""Runs a local cloud on another thread, for tests and the command line."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

from emulator.cloud import Cloud, Options
from emulator.serving import serving

LONGEST_START = 30.0
"""Seconds that a local cloud may take to start."""
LONGEST_CALL = 60.0
T = TypeVar("T")


class LocalCloud:
    """A local cloud that runs on another thread."""

    def __init__(self, cloud: Cloud, loop: asyncio.AbstractEventLoop) -> None:
        self.cloud = cloud
        self.urls = cloud.urls
        self._loop = loop

    def call(self, function: Callable[[Cloud], T]) -> T:
        """Call a function on the cloud's loop: its parts are not thread-safe."""

        async def run(cloud: Cloud) -> T:
            return function(cloud)

        return self.wait(run)

    def wait(self, function: Callable[[Cloud], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on the cloud's loop, and wait for its result."""
        return asyncio.run_coroutine_threadsafe(function(self.cloud), self._loop).result(LONGEST_CALL)


@contextmanager
def local_cloud(options: Options | None = None) -> Iterator[LocalCloud]:
    """Run a local cloud while the block does. Raises: OSError: a port is taken; TemplateError."""
    loop = asyncio.new_event_loop()
    started: Future[Cloud] = Future()
    ending = asyncio.Event()

    async def serve() -> None:
        try:
            async with serving(options or Options(port=0)) as cloud:
                started.set_result(cloud)
                await ending.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="local-cloud", daemon=True)
    thread.start()
    try:
        yield LocalCloud(started.result(LONGEST_START), loop)
    finally:
        with contextlib.suppress(RuntimeError):  # The loop has ended already if the start failed.
            loop.call_soon_threadsafe(ending.set)
        thread.join(30)
        loop.close()
