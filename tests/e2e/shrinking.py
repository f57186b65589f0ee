"""The shortest plan that still fails."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shortest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Take parts out while what is left still fails, large parts first (Zeller, "Delta debugging").

    `fails` is taken to hold for all the items; of what is returned, no single item can be taken out.
    """
    left = list(items)
    size = len(left)
    while size >= 1:
        start = 0
        while start < len(left):
            less = left[:start] + left[start + size :]
            if fails(less):
                left = less
            else:
                start += size
        size //= 2
    return left
