"""Announces how far an invocation has come, for whoever runs the function and wants to stop it there (the local cloud does).

Nobody listens on the platform: then an announcement costs one comparison.
"""

from collections.abc import Callable
from typing import Literal

Step = Literal["receive", "validate", "paced", "sent", "answered", "published", "put back"]

listener: Callable[[Step], None] | None = None
"""Is told of each step, by the thread that reaches it; set from outside."""


def reached(step: Step) -> None:
    """Tell the listener, if there is one. "sent" is a call of the IoT API on its way; SMQ's sends are not announced."""
    if listener is not None:
        listener(step)
