"""Virtual time: many tasks that run the real code, in one thread, with every sleep under control.

Tasks are greenlets that switch nowhere but in `clock.sleep`. Who goes first among those that wake at the same instant
is drawn from a seed, so that a run can be repeated exactly.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from handler.clock import Clock

EPOCH = 1_750_000_000.0


class Cancelled(BaseException):
    """What `cancel` raises out of a task's sleep."""


@dataclass(eq=False)
class Task:
    """Something that runs; `error` is what ended it, if it did not end by itself."""

    run: greenlet
    error: BaseException | None = None
    wakes: float | None = None
    joined: list["Task"] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return bool(self.run.dead)


class VirtualTime:
    """`time` is the true time in seconds; what the clock shows differs from it after `jump` and in `freeze`."""

    def __init__(self, seed: int = 0, lateness: Callable[[], float] = lambda: 0.0) -> None:
        self.time = 0.0
        self.clock = Clock(now=self._now, wall=lambda: EPOCH + self._now(), sleep=self._sleep)
        self._random = random.Random(seed)
        self._lateness = lateness
        self._shown = 0.0
        self._frozen: float | None = None
        self._due: list[tuple[float, float, int, Task]] = []
        self._tasks: dict[greenlet, Task] = {}
        self._count = 0

    def spawn(self, work: Callable[[], object], at: float | None = None) -> Task:
        """A task that begins at a true time, now unless said otherwise."""
        task = Task(greenlet(work))
        self._tasks[task.run] = task
        self._schedule(task, self.time if at is None else at)
        return task

    def run(self, until: float = float("inf")) -> None:
        """Runs until nothing is left to do, or a true time. An error that leaves a task is raised here."""
        while self._due and self._due[0][0] <= until:
            wakes, _, _, task = heapq.heappop(self._due)
            if task.done or task.wakes != wakes:
                continue
            self.time = max(self.time, wakes)
            self._switch(task)
        if until < float("inf"):
            self.time = max(self.time, until)

    def together(self, work: Sequence[Callable[[], object]]) -> None:
        """Called by a task: runs all as tasks of their own and returns when they have ended."""
        tasks = [self.spawn(one) for one in work]
        me = self._tasks[getcurrent()]
        for task in tasks:
            while not task.done:
                task.joined.append(me)
                me.wakes = None
                self._yield()

    def cancel(self, task: Task, error: BaseException | None = None) -> None:
        """Ends the task's sleep with an error; a task that has not begun never does."""
        if not task.done:
            task.error = error or Cancelled()
            self._schedule(task, self.time)

    def stall(self, seconds: float) -> None:
        """The whole process stands still, the clock does not."""
        self.time += seconds

    def jump(self, seconds: float) -> None:
        """The clock jumps; forward, it takes all sleeps along."""
        self._shown += seconds
        for task in {task for *_, task in self._due if seconds > 0 and not task.done}:
            if task.wakes is not None:
                self._schedule(task, max(self.time, task.wakes - seconds))

    def freeze(self, seconds: float) -> None:
        """Called by a task: the clock stands still while time and sleeps go on."""
        if self._frozen is None:
            self._frozen = shown = self._now()
            self._sleep(seconds)
            self._shown -= self._now_true() - shown
            self._frozen = None

    def _now(self) -> float:
        return self._now_true() if self._frozen is None else self._frozen

    def _now_true(self) -> float:
        return self.time + self._shown

    def _sleep(self, seconds: float) -> None:
        assert seconds >= 0, f"slept for {seconds}"
        self._schedule(self._tasks[getcurrent()], self.time + seconds + self._lateness())
        self._yield()

    def _yield(self) -> None:
        scheduler = getcurrent().parent
        assert scheduler is not None
        scheduler.switch()

    def _schedule(self, task: Task, at: float) -> None:
        self._count += 1
        task.wakes = at
        heapq.heappush(self._due, (at, self._random.random(), self._count, task))

    def _switch(self, task: Task) -> None:
        task.run.parent = getcurrent()
        if task.error is None:
            task.run.switch()
        else:
            self._throw(task, task.error)
        if task.done:
            del self._tasks[task.run]
            for other in task.joined:
                self._schedule(other, self.time)

    def _throw(self, task: Task, error: BaseException) -> None:
        try:
            task.run.throw(error)
        except BaseException as raised:
            if raised is not error:
                raise
