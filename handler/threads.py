"""Runs tasks side by side, on threads that live as long as the instance and sleep between invocations."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Protocol

Task = Callable[[], None]

SECONDS_A_REQUEST = 6
"""How long one request may keep a thread busy with the API's latency at 2 s: create, read back, update."""
MOST = 64
PATIENCE = 0.01
"""Seconds in which nobody takes a task before one more thread helps. Threads that all have work for the processor only take it
from each other: a thousand requests to an API that answers at once cost half as much again on 64 threads as on one."""


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
        if len(tasks) == 1:
            return tasks[0]()
        work, helpers = _Work(tasks), list[Future[None]]()

        def stand_by() -> None:
            if work.is_stuck():
                if len(helpers) < min(self._most, len(tasks)) - 1:
                    helpers.append(self._executor.submit(stand_by))
                work.drain()

        helpers.append(self._executor.submit(stand_by))
        # The caller works too: another call's tasks may have all threads, for longer than this one has time.
        work.drain()
        for helper in helpers:  # the list grows meanwhile
            if not helper.cancel():
                helper.result()
        return None


class _Work:
    """Tasks that threads take, one after another."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._todo = iter(tasks)
        self._taken = 0
        self._all_taken = Event()

    def drain(self) -> None:
        """Run tasks until none is left to take."""
        for task in self._todo:
            self._taken += 1
            task()
        self._all_taken.set()

    def is_stuck(self) -> bool:
        """Waits until nobody has taken a task for `PATIENCE`, or until all are taken: then it is not."""
        while True:
            before = self._taken
            if self._all_taken.wait(PATIENCE):
                return False
            if self._taken == before:
                return True
