"""Defines backoff and pauses as values: how often, how long, and with how much jitter."""

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
        """Return the longest pause after so many failures in a row (1 or more), in seconds."""
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 30))

    def pause(self, failures: int, random: Random) -> float:
        """Draw the pause after so many failures in a row, in seconds."""
        return self.ceiling(failures) * random()


CALL = Backoff(tries=5, base=0.4, cap=5.0)
"""Between calls of the API for one request, within one delivery."""

THROTTLED = Backoff(tries=40, base=0.05, cap=1.0)
"""Between throttled calls, which have no effect: the pacer does the waiting, the deadline bounds it, this bounds the number."""

PUBLISH = Backoff(tries=3, base=0.1, cap=0.4)
"""Between sends of one message to a topic or queue: short, for it happens within the deadline's margin."""

PUT_BACK = Backoff(tries=1, base=15.0, cap=900.0)
"""Between deliveries of a request that is put back."""


class Pause(NamedTuple):
    """Seconds for which a message of the queue is hidden: drawn between `least` and `most`, and never 0.

    `counts`: the next delivery costs its requests an attempt, so it must not come earlier.
    """

    least: float
    most: float
    counts: bool = False

    def draw(self, random: Random) -> int:
        return max(1, round(self.least + (self.most - self.least) * random()))


MISCONFIGURED = Pause(300.0, 900.0)
"""The deployment must be fixed; until then, each delivery checks with one call."""
NO_TIME = Pause(1.0, 5.0)
"""Nothing went wrong: the next delivery continues."""


def pause_after_attempt(attempt: int) -> Pause:
    """Return the pause after `attempt` failed deliveries: at least half of its longest, so ten outlast half an hour."""
    longest = PUT_BACK.ceiling(attempt)
    return Pause(longest / 2, longest, counts=True)


def pause_by_age(seconds: float) -> Pause:
    """Return the pause of a request that was first put back `seconds` ago: up to about as long again."""
    return Pause(0.0, PUT_BACK.ceiling((int(seconds / PUT_BACK.base) + 1).bit_length()))
