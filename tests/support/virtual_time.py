"""A clock that can be bent: it stands still, jumps or is late while tasks run on virtual time (`tests.support.scheduler`)."""

from collections.abc import Callable

from handler.clock import Clock
from tests.support.scheduler import Scheduler, Task

EPOCH = 1_750_000_000.0


class Cancelled(BaseException):
    """What `cancel` raises out of a task's sleep."""


class VirtualTime:
    """`time` is the true time in seconds; what the clock shows differs from it after `jump` and in `freeze`."""

    def __init__(self, seed: int = 0, lateness: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = Clock(now=self._now, wall=lambda: EPOCH + self._now(), sleep=self._sleep)
        self._scheduler = Scheduler(seed)
        self._tasks: list[Task] = []
        self._lateness = lateness
        self._shown = 0.0
        self._frozen: float | None = None

    @property
    def time(self) -> float:
        return self._scheduler.time

    def spawn(self, work: Callable[[], object], at: float | None = None) -> Task:
        """A task that begins at a true time, now unless said otherwise."""
        task = self._scheduler.spawn(work, at=at)
        self._tasks.append(task)
        return task

    def run(self, until: float = float("inf")) -> None:
        """Runs until nothing is left to do, or a true time. An error that leaves a task is raised here."""
        self._scheduler.run(until=until)
        if until < float("inf"):
            self._scheduler.time = max(self.time, until)
        for task in self._tasks:
            if task.error is not None:
                raise task.error

    def cancel(self, task: Task) -> None:
        """Ends the task's sleep with an error; a task that has not begun never does."""
        self._scheduler.interrupt(task, Cancelled())

    def stall(self, seconds: float) -> None:
        """The whole process stands still, the clock does not."""
        self._scheduler.time += seconds

    def jump(self, seconds: float) -> None:
        """The clock jumps; forward, it takes all sleeps along."""
        self._shown += seconds
        if seconds > 0:
            self._scheduler.advance(self._tasks, seconds)

    def freeze(self, seconds: float) -> None:
        """Called by a task: the clock stands still while time and sleeps go on."""
        if self._frozen is None:
            self._frozen = shown = self._now()
            self._sleep(seconds)
            self._shown -= self.time + self._shown - shown
            self._frozen = None

    def _now(self) -> float:
        return self.time + self._shown if self._frozen is None else self._frozen

    def _sleep(self, seconds: float) -> None:
        self._scheduler.sleep(seconds + self._lateness())
