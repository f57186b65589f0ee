"""The two retry strategies that SMQ topics and EventBridge streams share (SMQ, "NotifyStrategy")."""

from collections.abc import Callable
from typing import Literal, get_args

Strategy = Literal["BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"]
STRATEGIES = get_args(Strategy)
_TRIES = {"BACKOFF_RETRY": 3, "EXPONENTIAL_DECAY_RETRY": 176}


def pause(strategy: str, failures: int, random: Callable[[], float]) -> float | None:
    """Return the seconds to wait after the given number of failures (1 is the first); None after the last try.

    BACKOFF_RETRY: 3 retries, 10 to 20 s apart. EXPONENTIAL_DECAY_RETRY: 176 retries, 1, 2, 4 … 256, then 512 s apart.
    `random` returns 0 to 1.
    """
    if failures > _TRIES[strategy]:
        return None
    if strategy == "BACKOFF_RETRY":
        return 10 + 10 * random()
    return float(min(2 ** (failures - 1), 512))
