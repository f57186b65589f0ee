"""Shows how far a long command is: in a line that changes on a terminal, in a line now and then elsewhere."""

from rich.text import Text

from cli.terminal.screen import Screen
from handler.clock import Clock

LINE_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class Meter:
    """Steps done out of `total`; `done` of them before this command."""

    def __init__(self, screen: Screen, what: str, total: int, *, done: int = 0, clock: Clock | None = None) -> None:
        self._screen = screen
        self._what = what
        self._total = total
        self._done = self._first = self._before = done
        self._clock = clock or Clock()
        self._began = self._said = self._clock.now()
        self._live = screen.err.status(what) if screen.err.is_terminal and not screen.quiet else None

    def __enter__(self) -> "Meter":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
        if self._said != self._began or self._done != self._before:
            self._screen.note(self._line())

    def step(self, steps: int, note: str = "", *, waited: bool = True) -> None:
        """Count `steps` more, with a note beside them; those that had not to be waited for say nothing about the rate."""
        self._done += steps
        self._first += 0 if waited else steps
        if self._live:
            self._live.update(Text(f"{self._line()}  {note}"))
        elif self._clock.now() - self._said >= LINE_EVERY:
            self._said = self._clock.now()
            self._screen.note(f"{self._line()}  {note}".rstrip())

    def _line(self) -> str:
        rate = (self._done - self._first) / max(self._clock.now() - self._began, 1e-3)
        left = f", {(self._total - self._done) / rate:.0f} s left" if rate and self._done < self._total else ""
        return f"{self._what}: {self._done}/{self._total}, {rate:.1f}/s{left}"
