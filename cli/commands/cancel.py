"""`ota-modules cancel`: takes what a run still has in the request queue out of it."""

import os
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.clients.figures import Figures
from cli.clients.inbox import Inbox
from cli.clients.smq import Mailbox
from cli.clients.streams import find, streams_of
from cli.clients.target import Target
from cli.commands.options import AsJson, Encoding, Form, Local, Sheet, State, chosen
from cli.commands.outcomes import past
from cli.commands.send import settled
from cli.errors import CliError, CloudError, Interrupted, UsageError
from cli.manifests.manifest import Entry, Source, load
from cli.sending.cancelling import Belongs, Hold, Sweep
from cli.sending.ledger import Ledger, content_key, state_folder
from cli.sending.outgoing import Outgoing
from cli.sending.runs import read_all
from cli.sending.start import began
from cli.sending.status import read_figures
from cli.terminal.interrupts import Interrupts
from cli.terminal.screen import Screen, module_of, plural, status_text
from handler.clock import Clock
from handler.messages import ModuleRequest, Policy

MOST_ROWS = 50
DONE = ("created", "updated")
"""Statuses of requests that changed something."""
_RUN = re.compile("[0-9a-f]{8}")


@dataclass(frozen=True)
class Chosen:
    """The run that is meant: which Ids are its own, and its ledger where this machine has it."""

    name: str
    belongs: Belongs
    ledger: Path | None
    total: int = 0


def cancel(
    run: Annotated[
        list[str], typer.Argument(help="A run, as send and status name it, or the manifests that were sent.")
    ],
    paused: Annotated[bool, typer.Option("--paused", help="The stream is paused already, by hand.")] = False,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for what is delayed or being worked on.")
    ] = 60,
    on_existing: Annotated[Policy | None, typer.Option(help="As it was given to send.")] = None,
    instance: Annotated[str | None, typer.Option(help="As it was given to send.")] = None,
    form: Form = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    state: State = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Take the requests of a run that are still queued out of the queue, and list what it has already changed.

    The stream is paused meanwhile. Nothing is deleted on the platform: a module that was created stays, under its name.

    Example: ota-modules cancel fleet.yml
    """
    screen = Screen(as_json=as_json)
    target = chosen(screen, local=local)
    folder = state or state_folder(os.environ)
    if _is_run(run):
        wanted = _by_name(folder, run[0])
    else:
        entries = _load(run, Source(form, encoding, sheet))
        wanted = _by_manifest(folder, target, [settled(each.request, on_existing, instance) for each in entries])
    with closing(Mailbox(target)) as mailbox, Interrupts() as interrupts:
        sweep = Sweep(mailbox, target.names.request_queue, wanted.belongs)
        with _hold(screen, target, paused=paused):
            cancelled, left = _sweep_all(sweep, target, interrupts, patience)
        events = _outcomes(screen, mailbox, target, wanted)
        _close(mailbox, target, folder, wanted)
    _show(screen, wanted, cancelled, events)
    if interrupts.asked:
        raise Interrupted("interrupted; the same command takes out the rest")
    if left:
        raise CliError(
            f"{plural(left, 'message')} could not be looked at, delayed or being worked on: `ota-modules pause`, then the same "
            "command again in a few minutes, then `ota-modules resume`"
        )


def _is_run(arguments: list[str]) -> bool:
    return len(arguments) == 1 and _RUN.fullmatch(arguments[0]) is not None and not Path(arguments[0]).exists()


def _by_name(folder: Path, name: str) -> Chosen:
    ours = next((each for each in read_all(folder) if each.name == name), None)
    pattern = re.compile(rf"{name}-\d+")
    path, total = (ours.path, ours.total) if ours else (None, 0)
    return Chosen(name, lambda id_: pattern.fullmatch(id_) is not None, path, total)


def _load(manifests: list[str], source: Source) -> tuple[Entry, ...]:
    """Raises: UsageError: they are no files."""
    if any(not Path(name).exists() for name in manifests):
        raise UsageError(f"{' '.join(manifests)} is neither a run, such as 1a2b3c4d, nor files")
    return load(manifests, source).sound(skip_invalid=True)


def _by_manifest(folder: Path, target: Target, requests: list[ModuleRequest]) -> Chosen:
    """Raises: UsageError: nothing was sent of them from here; CliError: a command is still at work on them."""
    key = content_key(target, requests, began(target))
    path = folder / f"{key}.db"
    if not path.exists():
        raise UsageError(
            "this manifest was not sent from here, or with other options, or was changed since; name the run (ota-modules status)"
        )
    with closing(Ledger.open(folder, key, len(requests))) as ledger:
        name = ledger.run
    return Chosen(name, Outgoing(requests, name).numbers().__contains__, path, len(requests))


def _hold(screen: Screen, target: Target, *, paused: bool) -> Hold:
    streams = streams_of(target)

    def pause() -> list[str]:
        running = [] if paused else [each.name for each in find(streams, enable=False) if not each.is_paused]
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
        figures: Figures = read_figures(target)
    except CloudError:
        return 0
    return int(figures.delayed.value or 0) + sum(stream.in_flight or 0 for stream in figures.streams)


def _outcomes(screen: Screen, mailbox: Mailbox, target: Target, wanted: Chosen) -> list[Mapping[str, Any]]:
    """Return the outcomes of the run that are still kept, one a request."""
    try:
        events = past(mailbox, target.names.outcome_queue)
    except CloudError as error:
        screen.warn(f"what was already created cannot be listed: {error}")
        return []
    ours = {
        str(event.get("causationid")): event["data"]
        for event in events
        if wanted.belongs(str(event.get("causationid")))
    }
    return list(ours.values())


def _close(mailbox: Mailbox, target: Target, folder: Path, wanted: Chosen) -> None:
    """Let nobody wait for what will not come, nor send the rest."""
    if wanted.ledger is None:
        return
    try:
        with closing(Ledger.open(folder, wanted.ledger.stem, wanted.total)) as ledger:
            if ledger.following and not ledger.finished:
                Inbox(mailbox, target, f"ota-modules-send-{ledger.run}").close()
            ledger.finish()
    except UsageError:
        return


def _show(screen: Screen, wanted: Chosen, cancelled: list[str], outcomes: list[Mapping[str, Any]]) -> None:
    changed = [each for each in outcomes if each.get("Status") in DONE]
    screen.record({"Run": wanted.name, "Cancelled": cancelled, "Changed": changed})
    screen.say(
        f"{plural(len(cancelled), 'request')} of run {wanted.name} cancelled; {len(changed)} already changed something"
    )
    if changed:
        rows = [(status_text(str(each["Status"])), module_of(each)) for each in changed[:MOST_ROWS]]
        screen.table(("Status", "Module"), rows)
        if len(changed) > MOST_ROWS:
            screen.say(f"and {len(changed) - MOST_ROWS} more; --json has them all")
    screen.say("Nothing is deleted on the platform. To send the rest after all: ota-modules send --again")
