"""How far a long command is: a live bar on a terminal, a line now and then elsewhere."""

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli.terminal.screen import Screen
from handler.clock import Clock

LINE_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s", style="dim")


class Meter:
    """Steps done out of `total`; `done` of them before this command."""

    def __init__(self, screen: Screen, what: str, total: int, *, done: int = 0, clock: Clock | None = None) -> None:
        self._screen = screen
        self._what = what
        self._total = total
        self._done = self._first = self._before = done
        self._clock = clock or Clock()
        self._began = self._said = self._clock.now()
        self._bar: Progress | None = None
        if screen.err.is_terminal and not screen.quiet:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(),
                TimeRemainingColumn(elapsed_when_finished=True), TextColumn("{task.fields[note]}"), console=screen.err,
            )  # fmt: skip
            self._task = self._bar.add_task(what, total=total, completed=done, note="")

    def __enter__(self) -> "Meter":
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()
        elif self._said != self._began or self._done != self._before:
            self._line("")

    def step(self, steps: int, note: str = "", *, waited: bool = True) -> None:
        """Count `steps` more, with a note beside them; those that had not to be waited for say nothing about the rate."""
        self._done += steps
        self._first += 0 if waited else steps
        if self._bar and waited:
            self._bar.update(self._task, advance=steps, note=note)
        elif self._bar:
            self._bar.reset(self._task, completed=self._done, note=note)
        elif self._clock.now() - self._said >= LINE_EVERY:
            self._line(note)

    def _line(self, note: str) -> None:
        self._said = self._clock.now()
        seconds = max(self._said - self._began, 1e-3)
        rate = (self._done - self._first) / seconds
        left = f", {(self._total - self._done) / rate:.0f} s left" if rate and self._done < self._total else ""
        self._screen.note(f"{self._what}: {self._done}/{self._total}, {rate:.1f}/s{left}{'  ' + note if note else ''}")
