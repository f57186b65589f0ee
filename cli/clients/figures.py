"""What is waiting, in flight, delayed and given up; how fast it goes; what went wrong last. Any of it may be unknown."""

import time
from collections.abc import Callable

from cli.clients import account_figures, console
from cli.clients.quota import share_of
from cli.clients.target import Target
from cli.records import Failure, Figures, Known, NotKnown, Stream

Read = Callable[[], Figures]
"""Reads the figures of a target as they are now. Raises: CloudError: nobody answers."""


def read_figures(target: Target) -> Figures:
    """Return the figures of a target. Raises: CloudError: the local cloud does not answer."""
    return read_local(target) if target.local else account_figures.read(target)


def read_local(target: Target) -> Figures:
    """Return those of the local cloud at this moment, whatever SMQ tells of its queues. Raises: CloudError."""
    state = console.state(target)
    names = target.names
    requests, dead = (state.queues.get(name) for name in (names.request_queue, names.dead_letter_queue))
    missing = NotKnown("the local cloud that runs has another template (OTA_TEMPLATE)")
    settings = next((each.settings for each in state.functions if each.name == names.queue_function), None)
    error = state.last_error
    return Figures(
        waiting=Known(requests.active) if requests else missing,
        in_flight=Known(requests.inactive) if requests else missing,
        delayed=Known(requests.delayed) if requests else missing,
        # Dead letters are there whether somebody is looking at them or not.
        dead=Known(dead.active + dead.inactive + dead.delayed) if dead else missing,
        calls=Known(sum(state.calls.last_second.values())),
        outcomes=Known(round(state.outcomes.recent / state.outcomes.seconds, 1)),
        share=share_of(settings) if settings is not None else missing,
        last_error=Failure(error.text, max(time.time() - error.at, 0.0)) if error else None,
        streams=[Stream(each.name, each.state, each.in_flight) for each in state.streams],
    )
