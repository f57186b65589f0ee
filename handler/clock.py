"""Time as one object that is passed in, so that everything that waits can run on virtual time."""

import time
from collections.abc import Callable
from typing import NamedTuple


class Clock(NamedTuple):
    """`now` is monotonic seconds, for waiting; `wall` is unix seconds, for printing and signing only."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
