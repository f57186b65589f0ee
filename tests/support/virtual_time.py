"""A clock that can be bent: it stands still, jumps or is late while tasks run on virtual time."""

import math
from collections.abc import Callable

from handler.clock import Clock
from tests.support.scheduler import Process, Scheduler, Task

EPOCH = 1_750_000_000.0
"""Unix seconds at which virtual time begins."""


class Cancelled(BaseException):
    """What `cancel` raises out of a task's sleep."""


class VirtualTime(Scheduler):
    """`time` is the true time in seconds; what the clock shows differs from it after `jump` and in `freeze`."""

    def __init__(self, seed: int = 0, lateness: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__(seed)
        self.clock = Clock(now=self._now, sleep=lambda seconds: self.sleep(seconds + lateness()))
        self._tasks: list[Task] = []
        self._shown = 0.0
        self._frozen: float | None = None

    def spawn(self, work: Callable[[], object], process: Process | None = None, at: float | None = None) -> Task:
        self._tasks.append(super().spawn(work, process, at))
        return self._tasks[-1]

    def run(self, *, until: float = math.inf) -> bool:
        """Runs until nothing is left to do, or a true time. An error that leaves a task is raised here."""
        is_over = super().run(until=until)
        if until < math.inf:
            self.time = max(self.time, until)
        for task in self._tasks:
            if task.error is not None:
                raise task.error
        return is_over

    def cancel(self, task: Task) -> None:
        """Ends the task's sleep with an error; a task that has not begun never does."""
        self.interrupt(task, Cancelled())

    def stall(self, seconds: float) -> None:
        """The whole process stands still, the clock does not."""
        self.time += seconds

    def jump(self, seconds: float) -> None:
        """The clock jumps; forward, it takes all sleeps along."""
        self._shown += seconds
        if seconds > 0:
            self.advance(self._tasks, seconds)

    def freeze(self, seconds: float) -> None:
        """Called by a task: the clock stands still while time and sleeps go on."""
        if self._frozen is None:
            self._frozen = shown = self._now()
            self.clock.sleep(seconds)
            self._shown -= self.time + self._shown - shown
            self._frozen = None

    def _now(self) -> float:
        return self.time + self._shown if self._frozen is None else self._frozen
