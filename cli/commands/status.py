"""`ota-modules status`: what is queued, how fast it goes, and what went wrong last."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from rich.live import Live
from rich.text import Text
from typer import Option

from cli.clients.figures import read_figures
from cli.clients.target import Target
from cli.commands.session import Cloud
from cli.errors import CloudError
from cli.sending.ledger import Run, read_runs, state_folder
from cli.sending.sending import State
from cli.sending.status import table
from cli.terminal.interrupts import Interrupts
from cli.terminal.moments import duration_option
from cli.terminal.screen import Screen
from handler.clock import Clock

MOST_RUNS = 5
SHORTEST = 0.2
"""Seconds between two looks, at least."""
TICK = 0.1


def status(
    session: Cloud,
    watch: Annotated[bool, Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[float, duration_option(help="With --watch: time between two looks.")] = 2,
    state: State = None,
) -> None:
    """Show what is waiting, in flight and given up, how fast it goes, the time left, the last error, and the runs.

    Each figure says how old it is, or why it is not known. An account's figures come from CloudMonitor, minutes late.

    Example: ota-modules status --watch
    """
    screen, target = session.screen, session.target()
    folder = state_folder(state)
    if watch:
        _watch(screen, target, folder, max(every, SHORTEST))
    else:
        screen.summary(_look(screen, target, folder))


def _watch(screen: Screen, target: Target, folder: Path, every: float) -> None:
    """Show the figures until Ctrl-C, or why there are none."""
    clock = Clock()
    in_place = screen.out.is_terminal and not screen.as_json
    display = Live(console=screen.out, auto_refresh=False) if in_place else nullcontext()
    with Interrupts() as interrupts, display as live:
        while not interrupts.asked:
            try:
                lines = _look(screen, target, folder)
            except CloudError as error:
                screen.record(error.record())
                lines = Text(str(error), style="red")
            if live:
                live.update(lines, refresh=True)
            else:
                screen.summary(lines + Text("\n"))
            until = clock.now() + every
            while clock.now() < until and not interrupts.asked:
                clock.sleep(TICK)


def _look(screen: Screen, target: Target, folder: Path) -> Text:
    """Return the figures and the newest runs, a line each, and print their record. Raises: CloudError: there is no answer."""
    figures, runs = read_figures(target), read_runs(folder)[:MOST_RUNS]
    screen.record(replace(figures, runs=[run.record() for run in runs]))
    lines = [Text(f"{name:<14}{text}", style=_style(name, text)) for name, text in table(figures)]
    return Text("\n").join([*lines, *(Text(f"{'run':<14}{_describe(run)}") for run in runs)])


def _describe(run: Run) -> str:
    if run.busy:
        return f"a command is sending it, or waits for it ({run.path.stem})"
    when = f", {run.when:%Y-%m-%d %H:%M}" if run.changed else ""
    name = f"{run.name} ({run.manifests})" if run.manifests else run.name
    ended = ", cancelled" if run.cancelled else ""
    return f"{name}: {run.sent} of {run.total} sent, {run.answered} outcomes{ended}{when}"


def _style(name: str, text: str) -> str:
    is_bad = {"last error": text != "none", "dead letters": text[:1] not in ("0", "u")}
    if is_bad.get(name):
        return "red"
    return "dim" if text.startswith("unknown") else ""
