"""Runs a local cloud on another thread, for tests and the command line."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from emulator.cloud import Cloud, Options
from emulator.serving import serving

LONGEST_CALL = 60.0
"""Seconds that a call on the cloud's loop may take."""
T = TypeVar("T")


class LocalCloud:
    """A local cloud that runs on another thread."""

    def __init__(self, cloud: Cloud, portal: BlockingPortal) -> None:
        self.cloud = cloud
        self.urls = cloud.urls
        self._portal = portal

    def call(self, function: Callable[[Cloud], T]) -> T:
        """Call a function on the cloud's loop: its parts are not thread-safe."""
        return self._portal.start_task_soon(function, self.cloud).result(LONGEST_CALL)

    def wait(self, function: Callable[[Cloud], Awaitable[T]]) -> T:
        """Run a coroutine on the cloud's loop, and wait for its result."""
        return self._portal.start_task_soon(function, self.cloud).result(LONGEST_CALL)


@contextmanager
def local_cloud(options: Options | None = None) -> Iterator[LocalCloud]:
    """Run a local cloud while the block does. Raises: OSError: a port is taken; TemplateError."""
    serve = serving(options or Options(port=0))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve) as cloud:
        yield LocalCloud(cloud, portal)
