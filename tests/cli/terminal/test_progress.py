"""How far a long command is."""

import io

from rich.console import Console

from cli.terminal.progress import Meter
from cli.terminal.screen import Screen
from handler.clock import Clock


def test_outcomes_from_before_a_resumption_do_not_change_the_time_left() -> None:
    """They are there at once, and the others are not."""
    now = [0.0]
    screen = Screen()
    screen.err = Console(file=io.StringIO(), width=200)
    with Meter(screen, "outcomes", 1000, clock=Clock(now=lambda: now[0])) as meter:
        meter.step(500, waited=False)
        now[0] = 10.0
        meter.step(50)
    shown = screen.err.file.getvalue()  # type: ignore[attr-defined]
    assert "550/1000, 5.0/s, 90 s left" in shown
