"""Runs tasks side by side, on threads that live as long as the instance and sleep between invocations."""

import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

Task = Callable[[], None]

SECONDS_A_REQUEST = 6
"""How long one request may keep a thread busy with the API's latency at 2 s: create, read back, update."""
MOST = 64
SPARE = 3
"""Threads that wait for the quota: a store gives out two slots at once, and whoever is behind those asks it for the next."""
SHORTEST_LOOK = 0.005
"""Seconds after which is looked whether another thread is needed; later half the interval between two calls, if that is more."""


class Pool(Protocol):
    """Runs every task, in the order given where it cannot run them at once, and returns when all have ended."""

    def __call__(self, tasks: Sequence[Task], /) -> None: ...


class Threads:
    """A pool of at most `most` threads; `waiting` tells how many of them wait for the quota. Tasks handle their own errors.

    A thread joins in when fewer than `SPARE` wait, and none has begun a task since the last look: more would only take the
    processor from each other.
    """

    def __init__(self, most: int, waiting: Callable[[], int] = lambda: 0, longest_look: float = SHORTEST_LOOK) -> None:
        self._most = most
        self._waiting = waiting
        self._longest_look = longest_look
        self._executor = ThreadPoolExecutor(most, thread_name_prefix="request")

    @classmethod
    def for_rate(cls, rate: float, waiting: Callable[[], int] = lambda: 0) -> "Threads":
        """Threads enough for `rate` requests a second, so that the quota is the limit and not the latency."""
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

        # The caller works too: another call's tasks may have all threads, for longer than this one has time.
        work(min(self._most, len(tasks)) - 1)

    def _is_needed(self, todo: Iterator[Task], all_begun: threading.Event) -> bool:
        """Wait until another thread is needed, or there is nothing left to begin."""
        pause, left = SHORTEST_LOOK, operator.length_hint(todo)
        while not all_begun.wait(pause):
            before, left = left, operator.length_hint(todo)
            if left == before and self._waiting() < SPARE:
                return True
            pause = min(2 * pause, self._longest_look)
        return False
