"""Polls for what happens in another thread or process: the one way in which tests wait."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.02
"""Seconds between two looks."""


def eventually(read: Callable[[], T | None], seconds: float = 30.0, what: str = "it") -> T:
    """Poll until a value is true, and return it. Raises: AssertionError: it is not true in time."""
    value = within(read, seconds)
    assert value, f"{what} did not come about in {seconds:g} s"
    return value


def within(read: Callable[[], T], seconds: float) -> T:
    """Poll until a value is true or the time is over, and return the last one."""
    end = time.monotonic() + seconds
    while not (value := read()) and time.monotonic() < end:
        time.sleep(PAUSE)
    return value


async def soon(read: Callable[[], T], seconds: float = 30.0) -> T:
    """Poll as `eventually` does, and let the event loop's other tasks run meanwhile."""
    end = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < end, f"it did not come about in {seconds:g} s"
        await asyncio.sleep(PAUSE)
    return value
