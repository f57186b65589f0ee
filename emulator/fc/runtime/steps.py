"""Ends the process of an instance at a named step of its function.

Instances load this file by its path, on any Python: it needs the standard library alone. The function announces its steps
through its module `handler.steps`; here the listener of that module is set, for the one invocation that is struck.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

Step = Literal["receive", "validate", "paced", "sent", "answered", "published", "put back"]
ANNOUNCER = "handler.steps"


class StepNotFound(LookupError):
    """The function does not announce such a step."""


def end() -> None:
    """End this process, as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def ending_at(steps: Iterable[Step], end: Callable[[], None] = end) -> Iterator[None]:
    """End the process when a thread reaches one of the steps while the block runs. Raises: StepNotFound, before the block."""
    fatal = frozenset(steps)
    announcer: Any = sys.modules.get(ANNOUNCER)
    for step in fatal.difference(get_args(getattr(announcer, "Step", None))):
        raise StepNotFound(f"the step {step!r} cannot be found: this function's {ANNOUNCER} does not announce it")
    announcer.listener = lambda step: end() if step in fatal else None
    try:
        yield
    finally:
        announcer.listener = None
