"""`ota-modules cancel`: takes what a run still has in the request queue out of it."""

import os
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.clients.figures import read_figures
from cli.clients.inbox import Inbox
from cli.clients.smq import Mailbox
from cli.clients.streams import Streams
from cli.clients.target import Target
from cli.commands.options import Files, State
from cli.commands.outcomes import past
from cli.commands.session import Cloud
from cli.errors import CliError, CloudError, Interrupted, UsageError
from cli.manifests.manifest import load
from cli.sending.cancelling import Hold, Sweep
from cli.sending.ledger import Ledger, origin_of, state_folder
from cli.sending.runs import Run, read_all
from cli.terminal.interrupts import Interrupts
from cli.terminal.modules import outcome_row, show_modules
from cli.terminal.moments import DURATION, duration
from cli.terminal.screen import Screen, plural
from handler.clock import Clock
from handler.messages import Policy

DONE = ("created", "updated")
"""Statuses of requests that changed something."""
_RUN = re.compile(r"([0-9a-f]{8})(-\d+)?")


def cancel(
    session: Cloud,
    run: Annotated[
        list[str], typer.Argument(help="A run, as send and status name it, or the manifests that were sent.")
    ],
    files: Files,
    paused: Annotated[bool, typer.Option("--paused", help="The stream is paused already, by hand.")] = False,
    patience: Annotated[
        float, typer.Option(parser=duration, metavar=DURATION, help="Wait this long for what is delayed or worked on.")
    ] = 60,
    state: State = None,
    _on_existing: Annotated[Policy | None, typer.Option("--on-existing", hidden=True)] = None,
    _instance: Annotated[str | None, typer.Option("--instance", hidden=True)] = None,
) -> None:
    """Take the requests of a run that are still queued out of the queue, and list what it has already changed.

    The stream is paused meanwhile. Nothing is deleted on the platform: a module that was created stays, under its name.

    Example: ota-modules cancel fleet.yml
    """
    screen, target = session.screen, session.target()
    folder = state or state_folder(os.environ)
    ids: set[str] = set()
    named = _RUN.fullmatch(run[0]) if len(run) == 1 and not Path(run[0]).exists() else None
    if named:
        wanted = next((each for each in read_all(folder) if each.name == named[1]), Run(Path(), named[1]))
    else:
        wanted = _sent_from(folder, target, run)
        ids = {each.request.Id for each in load(run, files.source(screen)).entries if each.request.Id}
    pattern = re.compile(rf"{wanted.name}-\d+")

    def belongs(id_: str) -> bool:
        return pattern.fullmatch(id_) is not None or id_ in ids

    with closing(Mailbox(target)) as mailbox, Interrupts() as interrupts:
        sweep = Sweep(mailbox, target.names.request_queue, belongs)
        with _hold(screen, target, paused=paused):
            cancelled, left = _sweep_all(sweep, target, interrupts, patience)
        outcomes = [each for id_, each in _outcomes(screen, mailbox, target).items() if belongs(id_)]
        _close(mailbox, target, folder, wanted)
    _show(screen, wanted.name, cancelled, outcomes)
    if interrupts.asked:
        raise Interrupted("interrupted; the same command takes out the rest")
    if left:
        raise CliError(
            f"{plural(left, 'message')} could not be looked at, delayed or being worked on: `ota-modules pause`, then the same "
            "command again in a few minutes, then `ota-modules resume`"
        )


def _sent_from(folder: Path, target: Target, manifests: list[str]) -> Run:
    """Return the newest run of the manifests. Raises: UsageError: there is none here, or a command is at work on it."""
    if any(not Path(name).exists() for name in manifests):
        raise UsageError(f"{' '.join(manifests)} is neither a run, such as 1a2b3c4d, nor files")
    origin = origin_of(target, manifests)
    found = next((each for each in read_all(folder) if each.origin == origin), None)
    if found is None:
        raise UsageError(
            "this manifest was not sent from here, or a command is still at work on it: stop that, or name the run "
            "(ota-modules status)"
        )
    return found


def _hold(screen: Screen, target: Target, *, paused: bool) -> Hold:
    streams = Streams(target)

    def pause() -> list[str]:
        running = [] if paused else [each.name for each in streams.find(enable=False) if not each.is_paused]
        for name in running:
            streams.pause(name)
            screen.note(f"{name} is paused")
        return running

    return Hold(pause, streams.resume)


def _sweep_all(sweep: Sweep, target: Target, interrupts: Interrupts, patience: float) -> tuple[list[str], int]:
    """Sweep until nothing can come back; return the Ids, and how many messages were not seen."""
    clock = Clock()
    until = clock.now() + patience
    cancelled: list[str] = []
    while True:
        cancelled += sweep.run(interrupts)
        left = _unseen(target)
        if not left or interrupts.asked or clock.now() >= until:
            return list(dict.fromkeys(cancelled)), left
        clock.sleep(1)


def _unseen(target: Target) -> int:
    """Count the messages that are delayed or being worked on, as far as anybody tells."""
    try:
        figures = read_figures(target)
    except CloudError:
        return 0
    return int(figures.delayed.value or 0) + sum(stream.in_flight or 0 for stream in figures.streams)


def _outcomes(screen: Screen, mailbox: Mailbox, target: Target) -> dict[str, Mapping[str, Any]]:
    """Return the outcomes that are still kept, by the Ids of their requests."""
    try:
        events = past(mailbox, target.names.outcome_queue)
    except CloudError as error:
        screen.warn(f"what was already created cannot be listed: {error}")
        return {}
    return {str(event.get("causationid")): event["data"] for event in events}


def _close(mailbox: Mailbox, target: Target, folder: Path, run: Run) -> None:
    """Let nobody wait for what will not come, nor send the rest."""
    if not run.total:
        return
    try:
        with closing(Ledger.open(folder, run.path.stem, run.total)) as ledger:
            if ledger.following and not ledger.finished:
                Inbox(mailbox, target, f"ota-modules-send-{ledger.run}").close()
            ledger.finish()
    except UsageError:
        return


def _show(screen: Screen, run: str, cancelled: list[str], outcomes: list[Mapping[str, Any]]) -> None:
    changed = [each for each in outcomes if each.get("Status") in DONE]
    screen.record({"Run": run, "Cancelled": cancelled, "Changed": changed})
    screen.summary(
        f"{plural(len(cancelled), 'request')} of run {run} cancelled; {len(changed)} already changed something"
    )
    show_modules(screen, ("Status", "Module", "Why"), map(outcome_row, changed))
    screen.say("Nothing is deleted on the platform. To send the rest after all: ota-modules send --again")
