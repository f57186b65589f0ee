"""`ota-modules send`: the requests of manifests into the request queue."""

from typing import Annotated

import typer

from cli.commands.options import EXPECTED_RATE, Files, Manifests, Report, State, Timeout, Yes, agree
from cli.commands.session import Cloud
from cli.errors import NotAllSucceeded, UsageError
from cli.manifests.faults import told
from cli.manifests.manifest import Entry, Manifest, load, settled
from cli.sending.start import SendOptions, send_requests
from cli.terminal.screen import Screen, plural, visible
from handler.messages import Policy


def send(
    session: Cloud,
    manifests: Manifests,
    files: Files,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each request has its outcome.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Skip invalid requests and send the rest.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Send again, even if already sent.")] = False,
    timeout: Timeout = 900,
    report: Report = None,
    state: State = None,
    on_existing: Annotated[
        Policy | None, typer.Option(help="OnExisting for requests that name none (default: the function's own).")
    ] = None,
    instance: Annotated[
        str | None, typer.Option(help="Instance for requests that name none (default: the function's own).")
    ] = None,
    qps: Annotated[float, typer.Option(min=0.1, help="Calls a second to reckon with in the question.")] = EXPECTED_RATE,
    yes: Yes = False,
) -> None:
    """Put the requests of manifests into the request queue.

    Validates every request first; sends nothing if any is invalid. Safe to interrupt: run the same command again to resume.

    Example: ota-modules send --wait fleet.yml
    """
    if report and not wait:
        raise UsageError("--report needs --wait: without it there are no outcomes to report")
    screen, target = session.screen, session.target(sends=True)
    manifest = load(manifests, files.source(screen))
    entries = _sound(screen, manifest, skip_invalid=skip_invalid)
    requests = [settled(entry.request, on_existing, instance) for entry in entries]
    agree(screen, target, len(requests), yes=yes, rate=qps)
    options = SendOptions(tuple(manifests), wait, timeout, "always" if again else "never", report, state)
    result = send_requests(screen, target, requests, options)
    screen.record({**result, "Faults": [fault.record() for fault in manifest.faults]})
    differing, skipped = len(result["Unsuccessful"]), len(manifest.faults)
    problems = [f"{plural(differing, 'request')} did not succeed"] if differing else []
    problems += [f"{plural(skipped, 'fault')} skipped"] if skipped else []
    if problems:
        raise NotAllSucceeded(", ".join(problems))


def _sound(screen: Screen, manifest: Manifest, *, skip_invalid: bool) -> tuple[Entry, ...]:
    """Return what may be sent, after showing what is wrong. Raises: UsageError."""
    count = plural(len(manifest.faults), "fault")
    if manifest.faults:
        screen.say(f"{count}:")
        for line in told(manifest.faults):
            screen.say(visible(line))
    if manifest.faults and not skip_invalid:
        for fault in manifest.faults:
            screen.record(fault.record())
        raise UsageError(f"{count}; nothing was sent (--skip-invalid sends the valid requests)")
    return manifest.sound(skip_invalid=skip_invalid)
