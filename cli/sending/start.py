"""Begins a sending, or resumes the one that was begun with the same requests."""

import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cli import records
from cli.clients import console
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CloudError
from cli.sending.ledger import Ledger, content_key, origin_of, state_folder
from cli.sending.outgoing import Outgoing
from cli.sending.report import write
from cli.sending.sending import Sending, forget
from cli.terminal.screen import Screen
from handler.clock import Clock
from handler.messages import ModuleRequest


@dataclass(frozen=True)
class SendOptions:
    """How requests are sent."""

    manifests: Sequence[str]
    """The files that they are from."""
    wait: bool
    """Whether their outcomes are followed; given up after `timeout` seconds without one."""
    timeout: float
    again: Literal["never", "ended", "always"] = "never"
    """When requests that were sent before are sent again: never, once the run with them has ended, or at once."""
    report: Path | None = None
    """Where their outcomes are written as CSV, however the run ends."""
    state: Path | None = None
    """The folder of ledgers; None stands for the usual one."""


def send_requests(
    screen: Screen, target: Target, requests: Sequence[ModuleRequest], options: SendOptions
) -> records.Sent:
    """Send requests, follow their outcomes where that is asked for, and return the record of the run. Raises: CliError."""
    folder, key = options.state or state_folder(os.environ), content_key(target, requests, _began(target))
    again = options.again == "always"
    with closing(Ledger.open(folder, key, len(requests), again=again)) as ledger, closing(Mailbox(target)) as mailbox:
        if again or (options.again == "ended" and ledger.finished):
            forget(mailbox, target, ledger)
            ledger.restart()
        ledger.note_origin(origin_of(target, options.manifests))
        outgoing = Outgoing(requests, ledger.run)
        sending = Sending(screen, target, ledger, outgoing, mailbox, Clock())
        try:
            sending.run(wait=options.wait, timeout=options.timeout)
        finally:
            if options.report:
                write(options.report, outgoing, ledger)
        return sending.record()


def _began(target: Target) -> str:
    """Return when the local cloud was started, if it answers: after a restart it knows nothing of earlier requests."""
    with suppress(CloudError):
        return str(console.state(target).began) if target.local else ""
    return ""
