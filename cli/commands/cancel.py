"""`ota-modules cancel`: takes what a run still has in the request queue out of it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from cli.clients.figures import read_figures
from cli.clients.smq import Mailbox, Received
from cli.clients.streams import Streams
from cli.clients.target import Target
from cli.commands.session import Cloud
from cli.errors import CliError, CloudError, Interrupted, UsageError
from cli.manifests.formats import Files
from cli.manifests.manifest import load
from cli.sending.browsing import Belongs, browse, read_past, split
from cli.sending.ledger import CANCELLED, Ledger, Run, origin_of, read_runs, state_folder
from cli.sending.sending import State, close_inbox
from cli.terminal.interrupts import Interrupts
from cli.terminal.modules import outcome_row, show_modules
from cli.terminal.moments import duration_option
from cli.terminal.screen import Screen, plural
from handler.clock import Clock


def cancel(
    session: Cloud,
    run: Annotated[list[str], Argument(help="A run, as send and status name it, or the manifests that were sent.")],
    files: Files,
    paused: Annotated[bool, Option("--paused", help="The stream is paused already, by hand.")] = False,
    patience: Annotated[float, duration_option(help="Wait this long for what is delayed or worked on.")] = 60,
    state: State = None,
) -> None:
    """Take the requests of a run that are still queued out of the queue, and list what it has already changed.

    The stream is paused meanwhile. Nothing is deleted on the platform: a module that was created stays, under its name.

    Example: ota-modules cancel fleet.yml
    """
    screen, target = session.screen, session.target()
    folder = state_folder(state)
    wanted = _find_run(folder, target, run)
    own = re.compile(rf"{wanted.name}-\d+")
    named = {entry.request.Id for entry in load(run, files, screen.note).entries} if Path(run[0]).exists() else set()

    def belongs(id_: str) -> bool:
        return own.fullmatch(id_) is not None or id_ in named

    with closing(Mailbox(target)) as mailbox, Interrupts() as interrupts:
        with _paused(screen, target, already=paused):
            cancelled, left = _take_all(mailbox, target, belongs, interrupts, patience)
        changed = _changed(screen, mailbox, target, belongs)
        if wanted.total and (cancelled or wanted.sent < wanted.total):
            # From now on, its outcomes are not waited for, and the rest is not sent.
            with suppress(UsageError), closing(Ledger(folder, wanted.path.stem)) as ledger:
                close_inbox(mailbox, target, ledger)
                ledger.note(finished=CANCELLED)
    screen.record({"Run": wanted.name, "Cancelled": cancelled, "Changed": changed})
    count = plural(len(cancelled), "request")
    screen.summary(f"{count} of run {wanted.name} cancelled; {len(changed)} already changed something")
    show_modules(screen, ("Status", "Module", "Why"), map(outcome_row, changed))
    screen.say("Nothing is deleted on the platform. To send the rest after all: ota-modules send --again")
    if interrupts.asked:
        raise Interrupted("interrupted; the same command takes out the rest")
    if left:
        advice = "`ota-modules pause`, then the same command again in a few minutes, then `ota-modules resume`"
        raise CliError(f"{plural(left, 'message')} could not be looked at, delayed or being worked on: {advice}")


def _find_run(folder: Path, target: Target, given: list[str]) -> Run:
    """Return the run with a name, or the newest one of manifests.

    Raises: UsageError: the manifests were not sent from here, or a command is at work on it.
    """
    runs = read_runs(folder)
    missing = [name for name in given if not Path(name).exists()]
    if len(given) == 1 and missing and (name := re.fullmatch(r"([0-9a-f]{8})(-\d+)?", given[0])):
        return next((each for each in runs if each.name == name[1]), Run(Path(), name[1]))
    if missing:
        raise UsageError(f"{' '.join(given)} is neither a run, such as 1a2b3c4d, nor files")
    origin = origin_of(target, given)
    for each in runs:
        if each.origin == origin:
            return each
    advice = "stop that, or name the run (ota-modules status)"
    raise UsageError(f"this manifest was not sent from here, or a command is still at work on it: {advice}")


@contextmanager
def _paused(screen: Screen, target: Target, *, already: bool) -> Iterator[None]:
    """While entered, the streams of the request queue are paused; those that were so before stay so."""
    streams = Streams(target)
    with ExitStack() as resuming:
        for stream in [] if already else streams.find(on=False):
            if stream.state.lower() not in ("paused", "pausing"):
                streams.switch(stream.name, on=False)
                resuming.callback(streams.switch, stream.name, on=True)
                screen.note(f"{stream.name} is paused")
        yield


def _take_all(
    mailbox: Mailbox, target: Target, belongs: Belongs, interrupts: Interrupts, patience: float
) -> tuple[list[str], int]:
    """Take requests, also out of arrays, until none can come back; return the Ids, and how many messages were not seen.

    What stays of an array is sent before the message is deleted: interrupted between, it is there twice, under the same Ids,
    so each request has one outcome. Raises: CloudError.
    """
    clock, queue = Clock(), target.names.request_queue
    until = clock.now() + patience
    taken: dict[str, None] = {}

    def take(message: Received) -> bool:
        ids, rest = split(message.body, belongs)
        if ids and rest is not None:
            mailbox.send(queue, [rest])
        taken.update(dict.fromkeys(ids))
        return bool(ids)

    while True:
        browse(mailbox, queue, take, interrupts, seconds=1)
        left = _unseen(target)
        if not left or interrupts.asked or clock.now() >= until:
            return list(taken), left
        clock.sleep(1)


def _unseen(target: Target) -> int:
    """Count the messages that are delayed or being worked on, as far as that is known."""
    with suppress(CloudError):
        figures = read_figures(target)
        return int(figures.delayed.value or 0) + sum(stream.in_flight or 0 for stream in figures.streams)
    return 0


def _changed(screen: Screen, mailbox: Mailbox, target: Target, belongs: Belongs) -> list[Mapping[str, Any]]:
    """Return the outcomes that are still kept, the last of each request, of those that changed something."""
    try:
        events = read_past(screen, mailbox, target.names.outcome_queue)
    except CloudError as error:
        screen.warn(f"what was already created cannot be listed: {error}")
        return []
    last = {str(event.get("causationid")): event["data"] for event in events}
    return [each for id_, each in last.items() if belongs(id_) and each.get("Status") in ("created", "updated")]
