"""`ota-modules plan`, `apply` and `send`: what manifests want, compared with what is there, and sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from cli.clients.target import Target
from cli.commands.session import Cloud, Qps
from cli.commands.validate import Manifests, load_valid
from cli.errors import CliError, Interrupted, NotAllSucceeded, UsageError
from cli.manifests.formats import Files
from cli.manifests.manifest import Entry
from cli.manifests.plan import CHANGES, WRONG, make_plan
from cli.sending.sending import Waiting, send_requests
from cli.terminal.files import json_lines, write
from cli.terminal.screen import Screen, plural
from handler.messages import Policy

EXPECTED_RATE = 7.0
"""Calls a second that template.yml gives the queue's function."""

Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True)
class Assumed:
    """What requests mean that do not say it themselves."""

    on_existing: Annotated[Policy | None, Option(help="OnExisting for requests that name none.")] = None
    instance: Annotated[str | None, Option(help="Instance for requests that name none.")] = None

    def complete(self, entries: Sequence[Entry], policy: Policy | None = None) -> list[Entry]:
        """Return the requests with this policy (else `policy`) and this instance, where they name none."""
        changed = []
        for entry in entries:
            chosen = {"OnExisting": entry.request.OnExisting or self.on_existing or policy}
            changed.append(replace(entry, request=entry.request.model_copy(update=chosen).in_instance(self.instance)))
        return changed


def plan(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    exit_code: Annotated[bool, Option("--exit-code", help="0 no changes, 1 error, 2 changes, 3 would fail.")] = False,
    out: Annotated[Path | None, Option(help="Write the requests that change something, for apply.")] = None,
    qps: Qps = 3,
) -> None:
    """Preview what sending would create, update, leave unchanged or reject. Changes nothing.

    Example: ota-modules plan fleet.yml
    """
    screen, target = session.screen, session.target()
    try:
        entries = load_valid(screen, manifests, files).entries
    except UsageError as error:
        # With --exit-code, the status of a usage error would mean "changes".
        raise CliError(str(error)) if exit_code else error from None
    found = make_plan(screen, target, assumed.complete(entries, "keep"), qps)
    if out is not None:
        wanted = [step.request for step in found if step.action in CHANGES]
        write(out, json_lines(request.model_dump(exclude_defaults=True) for request in wanted))
        then = f"next: ota-modules apply {out}" if wanted else "there is nothing to apply"
        screen.note(f"wrote {plural(len(wanted), 'request')} to {out}; {then}")
    actions = {step.action for step in found}
    if exit_code and not actions & {"limit", "unknown", "conflict"}:
        raise typer.Exit(2 if actions & set(CHANGES) else 0)
    if wrong := sum(step.action in WRONG for step in found):
        raise NotAllSucceeded(f"{wrong} of {plural(len(found), 'request')} would not succeed")


def apply(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    waiting: Waiting,
    qps: Qps = 3,
    yes: Yes = False,
) -> None:
    """Plan, ask, send only the requests that change something, and wait for their outcomes.

    Safe to interrupt: run the same command again. On an account it asks first; without a terminal it needs --yes.

    Example: ota-modules apply --on-existing update fleet.yml
    """
    screen, target = session.screen, session.target(sends=True)
    entries = assumed.complete(load_valid(screen, manifests, files).entries, "keep")
    steps = make_plan(screen, target, entries, qps)
    wanted = {step.request for step in steps if step.action in CHANGES}
    wrong = sum(step.action in WRONG for step in steps)
    if wanted:
        if not yes and not target.local and not screen.is_asked():
            raise UsageError("there is no terminal to ask: --yes applies the plan")
        agree(screen, target, len(wanted), yes=yes)
    requests = [entry.request for entry in entries]
    chosen = [number for number, request in enumerate(requests) if request in wanted]
    result = send_requests(screen, target, requests, manifests, waiting, wait=True, again="ended", chosen=chosen)
    if result["Run"]:
        screen.record(result)
    wrong += len(result["Unsuccessful"])
    if wrong:
        raise NotAllSucceeded(f"{plural(wrong, 'request')} did not succeed or differ")


def send(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    waiting: Waiting,
    wait: Annotated[bool, Option("--wait", help="Wait until each request has its outcome.")] = False,
    skip_invalid: Annotated[bool, Option("--skip-invalid", help="Skip invalid requests and send the rest.")] = False,
    again: Annotated[bool, Option("--again", help="Send again, even if already sent.")] = False,
    qps: Annotated[float, Option(min=0.1, help="Calls a second to reckon with in the question.")] = EXPECTED_RATE,
    yes: Yes = False,
) -> None:
    """Put the requests of manifests into the request queue.

    Validates every request first; sends nothing if any is invalid. Safe to interrupt: run the same command again to resume.

    Example: ota-modules send --wait fleet.yml
    """
    if waiting.report and not wait:
        raise UsageError("--report needs --wait: without it there are no outcomes to report")
    screen, target = session.screen, session.target(sends=True)
    hint = "; nothing was sent (--skip-invalid sends the valid requests)"
    manifest = load_valid(screen, manifests, files, skip_invalid=skip_invalid, hint=hint)
    requests = [entry.request for entry in assumed.complete(manifest.entries)]
    agree(screen, target, len(requests), yes=yes, rate=qps)
    run = send_requests(screen, target, requests, manifests, waiting, wait=wait, again="always" if again else "never")
    screen.record({**run, "Faults": [fault.record() for fault in manifest.faults]})
    failed, skipped = len(run["Unsuccessful"]), len(manifest.faults)
    problems = [f"{plural(failed, 'request')} did not succeed"] if failed else []
    problems += [f"{plural(skipped, 'fault')} skipped"] if skipped else []
    if problems:
        raise NotAllSucceeded(", ".join(problems))


def agree(screen: Screen, target: Target, count: int, *, yes: bool, rate: float = EXPECTED_RATE) -> None:
    """Ask before requests go to an account, if there is a terminal. Raises: Interrupted: the answer was no."""
    if yes or target.local or not screen.is_asked():
        return
    minutes = plural(max(1, round(count / rate / 60)), "minute")
    screen.warn(f"{plural(count, 'request')} for {target}, about {minutes}. Module names can never be changed.")
    if not typer.confirm("Continue?", err=True):
        raise Interrupted("nothing was sent")
