"""Chance by name: what happens to one request does not depend on what happens to others."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

_MASK = 2**64 - 1

T = TypeVar("T")


class Chance:
    """A stream of random numbers, a tenth as costly to begin as `random.Random`: most are asked five times, and never again."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed

    def random(self) -> float:
        # Knuth's MMIX generator; its upper bits are random enough.
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & _MASK
        return (self._state >> 11) / 2**53

    def uniform(self, least: float, most: float) -> float:
        return least + (most - least) * self.random()

    def randint(self, least: int, most: int) -> int:
        return least + int((most - least + 1) * self.random())

    def choice(self, values: Sequence[T]) -> T:
        return values[int(len(values) * self.random())]


class Luck:
    """Streams of random numbers, one for each key; the same seed and key always give the same stream."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, *key: object) -> Chance:
        text = repr((self._seed, *key)).encode()
        return Chance(int.from_bytes(blake2b(text, digest_size=8).digest(), "big"))
