"""At which steps the next invocation is killed."""

from contextvars import ContextVar

from emulator.fc.runtime.steps import Step

# Of the task alone that makes the call which is struck: calls that are made meanwhile are none of the rule's business.
_steps: ContextVar[tuple[Step, ...]] = ContextVar("steps", default=())


def end_next_at(step: Step) -> None:
    """Kill the invocation that this task makes next when it reaches a step."""
    _steps.set((*_steps.get(), step))


def take_steps() -> tuple[Step, ...]:
    """Return, and forget, the steps at which this task's next invocation is to be killed."""
    steps = _steps.get()
    _steps.set(())
    return steps
