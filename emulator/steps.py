"""The named steps of the pipeline: where in the function's code each is reached, and an end of the process there.

Instances load this file by its path, whatever their Python is (see `emulator.runtime`): it needs the standard library alone, and
knows the function by names only. The names are replaced for the one invocation that is struck, so that threads that run already
meet them too.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, Literal, NamedTuple

Step = Literal["receive", "validate", "paced", "sent", "answered", "published", "put back"]


class Place(NamedTuple):
    """Something callable in the function's code; the step is reached when it has returned, or when it is entered.

    With `caller`, only calls from a function of that name count.
    """

    module: str
    name: str
    entered: bool = False
    caller: str | None = None

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


PLACES: Mapping[Step, tuple[Place, ...]] = {
    "receive": (Place("handler.index", "handler", entered=True), Place("handler.index", "http", entered=True)),
    "validate": (Place("handler.pipeline", "_requests"),),
    "paced": (Place("handler.pacing", "Line.wait"),),
    # The SMQ SDK's calls take the same way, but come from `request`.
    "sent": (Place("handler.connections", "Connection.ask", caller="post"),),
    "answered": (Place("handler.connections", "Transport.post"),),
    "published": (Place("handler.smq", "Outbox.publish"),),
    "put back": (Place("handler.smq", "Outbox.put_back"),),
}


class StepNotFound(LookupError):
    """The function has no such place: other code, or a name that was changed."""


def end() -> None:
    """End this process, as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def ending_at(steps: Iterable[Step], end: Callable[[], None] = end) -> Iterator[None]:
    """While the block runs, whichever thread first gets to one of the steps ends the process.

    Raises: StepNotFound: nothing is replaced then.
    """
    with ExitStack() as replaced:
        for step in steps:
            for place in PLACES[step]:
                owner, name = _found(step, place)
                own = getattr(owner, name)
                replaced.callback(setattr, owner, name, own)
                setattr(owner, name, _ending(own, place, end))
        yield


def _found(step: Step, place: Place) -> tuple[Any, str]:
    """The module or class, and what is there called so."""
    *owners, name = place.name.split(".")
    owner: Any = sys.modules.get(place.module)
    for each in owners:
        owner = getattr(owner, each, None)
    if not callable(getattr(owner, name, None)):
        raise StepNotFound(f"the step {step!r} cannot be found: this function has no {place}")
    return owner, name


def _ending(own: Callable[..., Any], place: Place, end: Callable[[], None]) -> Callable[..., Any]:
    @wraps(own)
    def until_then(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and returns
        counts = place.caller in (None, sys._getframe(1).f_code.co_name)  # noqa: SLF001 - as Python's own library does
        if counts and place.entered:
            end()
        result = own(*arguments, **named)
        if counts:
            end()
        return result

    return until_then
