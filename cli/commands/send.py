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
from cli.errors import CloudError, NotAllSucceeded, UsageError
from cli.manifests.faults import told
from cli.manifests.manifest import Entry, Manifest, Source, load
from cli.sending.ledger import Ledger, content_key, state_folder
from cli.sending.outgoing import Outgoing
from cli.sending.sending import Sending, forget
from cli.terminal.moments import DURATION, duration
from cli.terminal.screen import Screen, plural, visible


def send(
    manifests: Manifests,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each request has its outcome.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Skip invalid requests and send the rest.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Send again, even if already sent.")] = False,
    form: Form = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    timeout: Annotated[
        float,
        typer.Option(
            parser=duration, metavar=DURATION, help="With --wait: give up after this long without an outcome."
        ),
    ] = 900,
    state: Annotated[Path | None, typer.Option(help="Directory for resume state.")] = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Put the requests of manifests into the request queue.

    Validates every request first; sends nothing if any is invalid. Safe to interrupt: run the same command again to resume.

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
        sending.run(wait=wait, timeout=timeout)
        result = sending.record()
    screen.record({**result, "Faults": [fault.record() for fault in manifest.faults]})
    differing, skipped = len(result["Unsuccessful"]), len(manifest.faults)
    problems = [f"{plural(differing, 'request')} did not succeed"] if differing else []
    problems += [f"{plural(skipped, 'fault')} skipped"] if skipped else []
    if problems:
        raise NotAllSucceeded(", ".join(problems))


def began(target: Target) -> str:
    """Return when the local cloud was started, if it says so: after a restart it knows nothing of earlier requests."""
    if not target.local or target.console_url is None:
        return ""
    try:
        return str(json.loads(http.call(f"{target.console_url}/state", seconds=5).content).get("began", ""))
    except (CloudError, ValueError, AttributeError):
        return ""


def _sound(screen: Screen, manifest: Manifest, *, skip_invalid: bool) -> tuple[Entry, ...]:
    if manifest.faults:
        screen.say(f"{plural(len(manifest.faults), 'fault')}:")
        for line in told(manifest.faults):
            screen.say(visible(line))
        if not skip_invalid:
            for fault in manifest.faults:
                screen.record(fault.record())
            raise UsageError(
                f"{plural(len(manifest.faults), 'fault')}; nothing was sent (--skip-invalid sends the valid requests)"
            )
    return manifest.sound(skip_invalid=skip_invalid)
