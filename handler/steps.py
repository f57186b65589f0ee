"""Announces the steps of an invocation, so that a test environment (the local cloud) can stop the function there.

On the platform there is no listener: then an announcement costs one comparison.
"""

from collections.abc import Callable
from typing import Literal

Step = Literal["receive", "validate", "paced", "sent", "answered", "published", "put back"]

listener: Callable[[Step], None] | None = None
"""Called with each step, by the thread that reaches it; set from outside."""


def reached(step: Step) -> None:
    """Tell the listener, if there is one. "sent" is a call of the IoT API on its way; SMQ's sends are not announced."""
    if listener is not None:
        listener(step)
