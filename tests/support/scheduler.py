"""Virtual time: tasks that run the real code in one thread and switch nowhere but in a sleep, and processes that can die.

Tasks are greenlets. Who goes first among those that wake at the same instant is drawn from a seed, so that a run can be repeated
exactly. A process may be killed while its tasks wait, as a function's instance is: nothing of it runs any more, whatever stood
in a `finally`.
"""

import heapq
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]


class Killed(BaseException):
    """Raised out of every sleep of a process that is killed."""


class Violation(BaseException):
    """Something that must hold does not. No `except Exception` of the code under test may swallow it."""


class Task:
    """Something that runs; `error` is what it ended with."""

    __slots__ = ("_run", "_waiting", "done", "error", "interruption", "process", "switch")

    def __init__(self, work: Callable[[], object], process: "Process | None", main: greenlet) -> None:
        self.process = process
        self.done = False
        self.error: Exception | None = None
        self.interruption: BaseException | None = None
        self._waiting: list[Task] = []
        self._run = greenlet(lambda: self._work(work), parent=main)
        self.switch = self._run.switch

    def _work(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - as a thread of a pool does: whoever joins gets it
            self.error = error
        except Killed:
            pass
        except BaseException as error:
            if error is not self.interruption:
                raise

    def end(self, error: BaseException | None = None) -> None:
        """Raise an error out of its sleep; a task that has not begun never does."""
        if self._run:
            self._run.throw(error or Killed)


@dataclass(eq=False)
class Process:
    """Tasks that die together. `fuse` counts down with every switch into one of them; at 0 the process is killed."""

    scheduler: "Scheduler"
    name: str
    fuse: int = 0
    alive: bool = True
    tasks: dict[Task, None] = field(default_factory=dict)

    def pool(self, most: int) -> Callable[[Sequence[Callable[[], None]]], None]:
        """A `handler.threads.Pool` of at most so many tasks of this process at once."""

        def run(tasks: Sequence[Callable[[], None]]) -> None:
            if len(tasks) == 1:
                return tasks[0]()
            todo = iter(tasks)

            def work() -> None:
                for task in todo:
                    task()

            for worker in [self.scheduler.spawn(work, self) for _ in range(min(most, len(tasks)))]:
                self.scheduler.join(worker)
            return None

        return run

    def kill(self) -> None:
        """Called between two switches."""
        self.alive = False
        for task in list(self.tasks):
            self.scheduler.finish(task)


class Scheduler:
    """One seed decides who goes first among those that wake at the same instant."""

    def __init__(self, seed: int) -> None:
        self.time = 0.0
        self.current: Task | None = None
        self._main = getcurrent()
        self._random = Random(seed).random
        self._due: list[tuple[float, float, int, Task | Callable[[], None]]] = []
        self._count = 0
        self._until = 0.0

    def at(self, time: float, work: Task | Callable[[], None]) -> None:
        """Wake a task, or call `work`, which must not sleep, at a time."""
        self._count += 1
        heapq.heappush(self._due, (time, self._random(), self._count, work))

    def spawn(self, work: Callable[[], object], process: Process | None = None, at: float | None = None) -> Task:
        """A task that begins at a time, or now."""
        task = Task(work, process, self._main)
        if process is not None:
            process.tasks[task] = None
        self.at(self.time if at is None else at, task)
        return task

    def join(self, task: Task) -> None:
        """Called by a task: returns when another has ended. Raises what the other ended with."""
        if not task.done:
            assert self.current is not None, "only a task can wait"
            task._waiting.append(self.current)
            self._main.switch()
        if task.error is not None:
            raise task.error

    def sleep(self, seconds: float) -> None:
        """Called by a task: others run meanwhile."""
        assert seconds >= 0, f"slept for {seconds}"
        task, due = self.current, self._due
        assert task is not None, "only a task can wait"
        self._count += 1
        wake = (self.time + seconds, self._random(), self._count, task)
        nobody_before = wake[0] <= self._until and (not due or wake < due[0])
        if nobody_before and not (task.process and task.process.fuse):
            self.time = wake[0]  # what a switch to the scheduler and back would come to
            return
        heapq.heappush(due, wake)
        self._main.switch()

    def run(self, *, until: float) -> bool:
        """Runs until nothing is left to do, or a time; returns whether nothing is left."""
        due, self._until = self._due, until
        while due and due[0][0] <= until:
            time, _, _, work = heapq.heappop(due)
            self.time = max(self.time, time)  # a task may have let time pass without a sleep
            if isinstance(work, Task):
                self._resume(work)
            else:
                work()
        return not due

    def interrupt(self, task: Task, error: BaseException) -> None:
        """End a task's sleep with an error; a task that has not begun never does."""
        if not task.done:
            task.interruption = error
            self._due[:] = [each for each in self._due if each[3] is not task]
            heapq.heapify(self._due)
            self.at(self.time, task)

    def advance(self, tasks: Collection[Task], seconds: float) -> None:
        """Let tasks wake earlier."""
        self._due[:] = [
            (max(self.time, time - seconds) if work in tasks else time, chance, count, work)
            for time, chance, count, work in self._due
        ]
        heapq.heapify(self._due)

    def finish(self, task: Task) -> None:
        """End a task, and wake who waits for it."""
        if task.done:
            return
        task.done = True
        task.end()
        if task.process is not None:
            task.process.tasks.pop(task, None)
        for other in task._waiting:
            self.at(self.time, other)

    def _resume(self, task: Task) -> None:
        if task.done:
            return
        process = task.process
        if process is not None and process.fuse:
            process.fuse -= 1
            if not process.fuse:
                process.kill()
                return
        self.current = task
        if task.interruption is None:
            task.switch()
        else:
            task.end(task.interruption)
        self.current = None
        if not task._run:
            self.finish(task)
