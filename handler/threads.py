"""Runs tasks side by side, on threads that live as long as the instance and sleep between invocations."""

import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

Task = Callable[[], None]

SECONDS_A_REQUEST = 6
"""Seconds for which one request may keep a thread busy at an API latency of 2 s: create, read back, update."""
MOST = 64
SPARE = 3
"""Threads that wait for the quota: two hold a slot of the store each, and the third asks it for the next."""
SHORTEST_LOOK = 0.005
"""Seconds until the first check for another thread; later checks take up to half the interval between two calls."""


class Pool(Protocol):
    """Runs all tasks, started in the given order, and returns when all have ended."""

    def __call__(self, tasks: Sequence[Task], /) -> None: ...


class Threads:
    """A pool of at most `most` threads; `waiting` tells how many of them wait for the quota. Tasks handle their own errors.

    A thread joins when fewer than `SPARE` wait, and none has begun a task since the last check: more would only compete for
    the processor.
    """

    def __init__(self, most: int, waiting: Callable[[], int] = lambda: 0, longest_look: float = SHORTEST_LOOK) -> None:
        self._most = most
        self._waiting = waiting
        self._longest_look = longest_look
        self._executor = ThreadPoolExecutor(most, thread_name_prefix="request")

    @classmethod
    def for_rate(cls, rate: float, waiting: Callable[[], int] = lambda: 0) -> "Threads":
        """Make enough threads for `rate` requests a second, so that the quota is the limit, not the latency."""
        return cls(max(4, min(MOST, round(rate * SECONDS_A_REQUEST))), waiting, max(SHORTEST_LOOK, 0.5 / rate))

    def __call__(self, tasks: Sequence[Task], /) -> None:
        todo = iter(tasks)
        all_begun = threading.Event()

        def work(others: int) -> None:
            helper = self._executor.submit(help_when_needed, others - 1) if others > 0 else None
            for task in todo:
                task()
            all_begun.set()
            if helper is not None and not helper.cancel():
                helper.result()

        def help_when_needed(others: int) -> None:
            if self._is_needed(todo, all_begun):
                work(others)

        # The caller works too: another call's tasks may occupy all threads for longer than this one may take.
        work(min(self._most, len(tasks)) - 1)

    def _is_needed(self, todo: Iterator[Task], all_begun: threading.Event) -> bool:
        """Wait until another thread is needed, or there is nothing left to begin."""
        pause, remaining = SHORTEST_LOOK, operator.length_hint(todo)
        while not all_begun.wait(pause):
            before, remaining = remaining, operator.length_hint(todo)
            if remaining == before and self._waiting() < SPARE:
                return True
            pause = min(2 * pause, self._longest_look)
        return False
