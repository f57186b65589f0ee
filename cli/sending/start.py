"""Begins a sending, or resumes the one that was begun with the same requests."""

import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from cli.clients import http
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CloudError
from cli.sending.ledger import Ledger, content_key, state_folder
from cli.sending.outgoing import Outgoing
from cli.sending.sending import Sending, forget
from cli.terminal.screen import Screen
from handler.messages import ModuleRequest


def send_requests(
    screen: Screen,
    target: Target,
    requests: Sequence[ModuleRequest],
    *,
    wait: bool,
    timeout: float,
    state: Path | None,
    again: bool = False,
    anew: bool = False,
) -> dict[str, Any]:
    """Send requests, and with `wait` follow their outcomes; returns the record of the run.

    `again` restarts a run with the same requests, `anew` only one that has ended. Raises: CliError.
    """
    folder, key = state or state_folder(os.environ), content_key(target, requests, began(target))
    with closing(Ledger.open(folder, key, len(requests), again=again)) as ledger, closing(Mailbox(target)) as mailbox:
        if again or (anew and ledger.finished):
            forget(mailbox, target, ledger)
            ledger.restart()
        sending = Sending(screen, target, ledger, Outgoing(requests, ledger.run), mailbox)
        sending.run(wait=wait, timeout=timeout)
        return sending.record()


def began(target: Target) -> str:
    """Return when the local cloud was started, if it says so: after a restart it knows nothing of earlier requests."""
    if not target.local or target.console_url is None:
        return ""
    try:
        return str(json.loads(http.call(f"{target.console_url}/state", seconds=5).content).get("began", ""))
    except (CloudError, ValueError, AttributeError):
        return ""
