"""Reads the new items of a growing list."""

from collections.abc import Callable, Reversible
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")


class Tail(Generic[T]):
    """The new items of something that grows at its end and may forget its beginning.

    Items are told apart by identity, so `read` must return the same objects each time.
    """

    def __init__(self, read: Callable[[], Reversible[T]]) -> None:
        self._read = read
        self._last: T | None = None

    def read_new(self) -> list[T]:
        """Return what was added since the last call, oldest first."""
        items = list(takewhile(lambda item: item is not self._last, reversed(self._read())))[::-1]
        if items:
            self._last = items[-1]
        return items
