"""Runs tasks side by side, on threads that live as long as the instance and sleep between invocations."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

Task = Callable[[], None]

SECONDS_A_REQUEST = 6
"""How long one request may keep a thread busy with the API's latency at 2 s: create, read back, update."""
MOST = 64


class Pool(Protocol):
    """Runs every task, in the order given where it cannot run them at once, and returns when all have ended."""

    def __call__(self, tasks: Sequence[Task], /) -> None: ...


class Threads:
    """A pool of at most `most` threads, started as they are needed. Tasks handle their own errors."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._executor = ThreadPoolExecutor(most, thread_name_prefix="request")

    @classmethod
    def for_rate(cls, rate: float) -> "Threads":
        """Threads enough for `rate` requests a second, so that the quota is the limit and not the latency."""
        return cls(max(4, min(MOST, round(rate * SECONDS_A_REQUEST))))

    def __call__(self, tasks: Sequence[Task], /) -> None:
        todo = iter(tasks)

        def drain() -> None:
            for task in todo:
                task()

        helpers = [self._executor.submit(drain) for _ in range(min(self._most, len(tasks)) - 1)]
        drain()  # the caller works too: another call's tasks may have all threads, for longer than this one has time
        for helper in helpers:
            if not helper.cancel():
                helper.result()
