"""`ota-modules plan`: what sending manifests would do."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from cli.commands.options import Assumed, Manifests, Qps, load_valid
from cli.commands.session import Cloud
from cli.errors import CliError, NotAllSucceeded, UsageError
from cli.manifests.formats import Files
from cli.manifests.plan import CHANGES, changes, count_wrong, make_plan
from cli.terminal.files import json_lines, write
from cli.terminal.screen import plural


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
        wanted = changes(found)
        write(out, json_lines(request.model_dump(exclude_defaults=True) for request in wanted))
        then = f"next: ota-modules apply {out}" if wanted else "there is nothing to apply"
        screen.note(f"wrote {plural(len(wanted), 'request')} to {out}; {then}")
    actions = {step.action for step in found}
    if exit_code and not actions & {"limit", "unknown", "conflict"}:
        raise typer.Exit(2 if actions & set(CHANGES) else 0)
    if wrong := count_wrong(found):
        raise NotAllSucceeded(f"{wrong} of {plural(len(found), 'request')} would not succeed")
