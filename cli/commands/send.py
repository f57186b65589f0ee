"""`ota-modules send`: the requests of manifests into the request queue."""

from typing import Annotated

import typer

from cli.commands.options import (
    EXPECTED_RATE,
    AsJson,
    Encoding,
    Form,
    Local,
    Manifests,
    Sheet,
    State,
    Timeout,
    Yes,
    agree,
    chosen,
)
from cli.errors import NotAllSucceeded, UsageError
from cli.manifests.faults import told
from cli.manifests.manifest import Entry, Manifest, Source, load
from cli.sending.start import send_requests
from cli.terminal.screen import Screen, plural, visible
from handler.messages import ModuleRequest, Policy


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
    timeout: Timeout = 900,
    state: State = None,
    on_existing: Annotated[
        Policy | None, typer.Option(help="OnExisting for requests that name none (default: the function's own).")
    ] = None,
    instance: Annotated[
        str | None, typer.Option(help="Instance for requests that name none (default: the function's own).")
    ] = None,
    qps: Annotated[float, typer.Option(min=0.1, help="Calls a second to reckon with in the question.")] = EXPECTED_RATE,
    yes: Yes = False,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Put the requests of manifests into the request queue.

    Validates every request first; sends nothing if any is invalid. Safe to interrupt: run the same command again to resume.

    Example: ota-modules send --wait fleet.yml
    """
    screen = Screen(as_json=as_json)
    target = chosen(screen, local=local, sends=True)
    manifest = load(manifests, Source(form, encoding, sheet, screen.note))
    entries = _sound(screen, manifest, skip_invalid=skip_invalid)
    requests = [settled(entry.request, on_existing, instance) for entry in entries]
    agree(screen, target, len(requests), yes=yes, rate=qps)
    result = send_requests(screen, target, requests, wait=wait, timeout=timeout, state=state, again=again)
    screen.record({**result, "Faults": [fault.record() for fault in manifest.faults]})
    differing, skipped = len(result["Unsuccessful"]), len(manifest.faults)
    problems = [f"{plural(differing, 'request')} did not succeed"] if differing else []
    problems += [f"{plural(skipped, 'fault')} skipped"] if skipped else []
    if problems:
        raise NotAllSucceeded(", ".join(problems))


def settled(request: ModuleRequest, on_existing: Policy | None, instance: str | None) -> ModuleRequest:
    """Return a request with the policy and the instance of the command line, where it names none."""
    policy, place = request.OnExisting or on_existing, request.IotInstanceId or instance
    if (policy, place) == (request.OnExisting, request.IotInstanceId):
        return request
    return request.model_copy(update={"OnExisting": policy, "IotInstanceId": place})


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
