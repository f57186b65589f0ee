"""Counts the calls of each operation in any sliding second."""

from collections import defaultdict, deque
from collections.abc import Callable

WINDOW = 1.0


class SlidingQuota:
    """Counts the calls of each operation in the last second. `monotonic` returns seconds.

    No page says whether refused calls count. Here they do, which is the strictest reading: a caller that does not slow down
    never passes again.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._moments: dict[str, deque[float]] = defaultdict(deque)

    def take(self, operation: str, limit: int, now: float) -> float:
        """Count a call made `now`; return 0 if it passes, else the seconds until the next one would."""
        moments = self._recent(operation, now)
        excess = len(moments) >= limit
        moments.append(now)
        return moments[-limit] + WINDOW - now if excess else 0.0

    def consume(self, operation: str, n: int) -> None:
        """Count `n` calls that others of the account make now."""
        now = self._monotonic()
        self._recent(operation, now).extend([now] * n)

    def counts(self) -> dict[str, int]:
        """Return how many calls the last second saw, by operation."""
        now = self._monotonic()
        return {operation: len(self._recent(operation, now)) for operation in list(self._moments)}

    def _recent(self, operation: str, now: float) -> deque[float]:
        moments = self._moments[operation]
        while moments and now - moments[0] >= WINDOW:
            moments.popleft()
        return moments
