"""Backoff, as values: how often, how long, and with how much jitter."""

from collections.abc import Callable
from typing import NamedTuple

Random = Callable[[], float]
"""A source of numbers in [0, 1)."""


class Backoff(NamedTuple):
    """Exponential backoff with full jitter: the n-th pause is random between 0 and min(cap, base x 2^n) seconds.

    Full jitter spreads retries best (AWS Architecture Blog, "Exponential Backoff And Jitter").
    """

    tries: int
    base: float
    cap: float

    def ceiling(self, failures: int) -> float:
        """The longest pause after so many failures in a row (1 or more), in seconds."""
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 30))

    def pause(self, failures: int, random: Random) -> float:
        """The pause after so many failures in a row, in seconds."""
        return self.ceiling(failures) * random()


CALL = Backoff(tries=5, base=0.4, cap=5.0)
"""Between calls of the API for one request, within one delivery."""

THROTTLED = Backoff(tries=40, base=0.05, cap=1.0)
"""Throttles harm nobody and are bounded by the deadline; the pacer does the waiting, this bounds the number."""

PUBLISH = Backoff(tries=3, base=0.1, cap=0.4)
"""Between sends of one message to a topic or queue: short, for it happens within the deadline's margin."""

PUT_BACK = Backoff(tries=1, base=5.0, cap=900.0)
"""Delay of a request that is put back, by its attempt."""


def put_back_delay(attempt: int, random: Random) -> int:
    """Seconds until a request that is put back comes again: at least half of the ceiling, so that an outage has time to
    end, and with jitter, so that a thousand do not come at once."""
    ceiling = PUT_BACK.ceiling(attempt)
    return max(1, round(ceiling / 2 + random() * ceiling / 2))
