"""Chance by name: what happens to one request does not depend on what happens to others."""

from hashlib import blake2b
from random import Random


class Luck:
    """Streams of random numbers, one for each key; the same seed and key always give the same stream."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, *key: object) -> Random:
        text = repr((self._seed, *key)).encode()
        return Random(int.from_bytes(blake2b(text, digest_size=8).digest(), "big"))
