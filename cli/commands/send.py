"""`ota-modules send`: the requests of manifests into the request queue."""

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cli.clients import http
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.commands.options import AsJson, Encoding, Form, Local, Manifests, Sheet, chosen
from cli.errors import CliError, CloudError, UsageError
from cli.manifests.faults import told
from cli.manifests.manifest import Entry, Manifest, Source, load
from cli.sending.ledger import Ledger, content_key, state_folder
from cli.sending.outgoing import Outgoing
from cli.sending.sending import Sending, forget
from cli.terminal.screen import Screen, visible


def send(
    manifests: Manifests,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the outcomes until each has come.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Send what is sound beside what is not.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Send anew what was sent before.")] = False,
    form: Form = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    patience: Annotated[float, typer.Option(help="With --wait: seconds without any outcome before giving up.")] = 900,
    state: Annotated[Path | None, typer.Option(help="Folder for what must be known to go on after a break.")] = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Send the requests of manifests: all of them are checked first, and none is sent if anything is wrong.

    Stopped at any time, the same command goes on where it was.

    Example: ota-modules send --wait fleet.yml
    """
    screen = Screen(as_json=as_json)
    target = chosen(screen, local=local)
    manifest = load(manifests, Source(form, encoding, sheet, screen.note))
    entries = _sound(screen, manifest, skip_invalid=skip_invalid)
    requests = [entry.request for entry in entries]
    folder, key = state or state_folder(os.environ), content_key(target, requests, began(target))
    with closing(Ledger.open(folder, key, len(requests), again=again)) as ledger, closing(Mailbox(target)) as mailbox:
        if again:
            forget(mailbox, target, ledger)
            ledger.restart()
        sending = Sending(screen, target, ledger, Outgoing(requests, ledger.run), mailbox)
        sending.run(wait=wait, patience=patience)
        result = sending.record()
    screen.record({**result, "Faults": [fault.record() for fault in manifest.faults]})
    counts = ((len(result["NotAsWished"]), "not as wished"), (len(manifest.faults), "faults passed over"))
    if problems := ", ".join(f"{count} {what}" for count, what in counts if count):
        raise CliError(problems)


def began(target: Target) -> str:
    """When the local cloud began, as far as it says: one that was started anew knows nothing of what was sent before."""
    if not target.local or target.console_url is None:
        return ""
    try:
        return str(json.loads(http.call(f"{target.console_url}/state", seconds=5).content).get("began", ""))
    except (CloudError, ValueError, AttributeError):
        return ""


def _sound(screen: Screen, manifest: Manifest, *, skip_invalid: bool) -> tuple[Entry, ...]:
    if manifest.faults:
        screen.say(f"{len(manifest.faults)} faults:")
        for line in told(manifest.faults):
            screen.say(visible(line))
        if not skip_invalid:
            for fault in manifest.faults:
                screen.record(fault.record())
            raise UsageError(f"{len(manifest.faults)} faults; nothing was sent (--skip-invalid sends the rest)")
    return manifest.sound(skip_invalid=skip_invalid)
