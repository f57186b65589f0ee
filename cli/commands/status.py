"""`ota-modules status`: what is queued, how fast it goes, and what went wrong last."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from cli.clients.figures import read_figures
from cli.clients.target import Target
from cli.commands.options import State
from cli.commands.session import Cloud
from cli.errors import CloudError
from cli.records import Figures
from cli.sending.ledger import state_folder
from cli.sending.runs import Run, read_all
from cli.sending.status import table
from cli.terminal.interrupts import Interrupts
from cli.terminal.moments import DURATION, duration
from cli.terminal.screen import Screen
from handler.clock import Clock

MOST_RUNS = 5
SHORTEST = 0.2
"""Seconds between two looks, at least."""
TICK = 0.1


def status(
    session: Cloud,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(parser=duration, metavar=DURATION, help="With --watch: time between two looks.")
    ] = 2,
    state: State = None,
) -> None:
    """Show what is waiting, in flight and given up, how fast it goes, the time left, the last error, and the runs.

    Each figure says how old it is, or why it is not known. An account's figures come from CloudMonitor, minutes late.

    Example: ota-modules status --watch
    """
    screen, target = session.screen, session.target()
    folder = state or state_folder(os.environ)
    if watch:
        _watch(screen, target, folder, max(every, SHORTEST))
        return
    figures, runs = read_figures(target), read_all(folder)
    screen.record(_record(figures, runs))
    for line in _lines(figures, runs):
        screen.summary(line)


def _watch(screen: Screen, target: Target, folder: Path, every: float) -> None:
    """Look until Ctrl-C; while nobody answers, show that instead."""
    clock = Clock()
    in_place = screen.out.is_terminal and not screen.as_json
    live = Live(console=screen.out, auto_refresh=False) if in_place else None
    with Interrupts() as interrupts:
        if live:
            live.start()
        while not interrupts.asked:
            lines = _look(screen, target, folder)
            if live:
                live.update(Text("\n").join(lines), refresh=True)
            else:
                screen.summary(Text("\n").join([*lines, Text()]))
            until = clock.now() + every
            while clock.now() < until and not interrupts.asked:
                clock.sleep(TICK)
        if live:
            live.stop()


def _look(screen: Screen, target: Target, folder: Path) -> list[Text]:
    try:
        figures, runs = read_figures(target), read_all(folder)
    except CloudError as error:
        screen.record(error.record())
        return [Text(str(error), style="red")]
    screen.record(_record(figures, runs))
    return list(_lines(figures, runs))


def _record(figures: Figures, runs: list[Run]) -> Figures:
    return replace(figures, runs=[run.record() for run in runs[:MOST_RUNS]])


def _lines(figures: Figures, runs: list[Run]) -> list[Text]:
    lines = [Text(f"{name:<14}{text}", style=_style(name, text)) for name, text in table(figures)]
    for run in runs[:MOST_RUNS]:
        if run.busy:
            lines.append(Text(f"{'run':<14}a command is sending it, or waits for it ({run.path.stem})"))
        else:
            when = f", {run.changed:%Y-%m-%d %H:%M}" if run.changed else ""
            name = f"{run.name} ({run.manifests})" if run.manifests else run.name
            lines.append(Text(f"{'run':<14}{name}: {run.sent} of {run.total} sent, {run.answered} outcomes{when}"))
    return lines


def _style(name: str, text: str) -> str:
    if name == "last error" and text != "none":
        return "red"
    if name == "dead letters" and text[:1] not in ("0", "u"):
        return "red"
    return "dim" if text.startswith("unknown") else ""
