"""`ota-modules plan`: what sending manifests would do."""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.options import Assumed, Files, Manifests, Qps
from cli.commands.session import Cloud
from cli.errors import CliError, NotAllSucceeded, UsageError
from cli.manifests.faults import ManifestError
from cli.manifests.manifest import Entry, Source, load
from cli.manifests.plan import CHANGES
from cli.manifests.preview import keep, preview, show
from cli.terminal.screen import Screen, plural


def plan(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="0 no changes, 1 error, 2 changes, 3 some requests would not succeed.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the requests that change something, for apply.")] = None,
    qps: Qps = 3,
) -> None:
    """Preview what sending would create, update, leave unchanged or reject. Changes nothing.

    Example: ota-modules plan fleet.yml
    """
    screen, target = session.screen, session.target()
    entries = _sound(screen, manifests, files.source(screen), exit_code=exit_code)
    found = preview(screen, target, entries, qps=qps, on_existing=assumed.on_existing, instance=assumed.instance)
    show(screen, target, found)
    if out is not None:
        keep(out, found)
        screen.note(f"wrote {plural(len(found.changes()), 'request')} to {out}; next: ota-modules apply {out}")
    if exit_code and not any(step.action in ("limit", "unknown", "conflict") for step in found.steps):
        raise typer.Exit(2 if any(step.action in CHANGES for step in found.steps) else 0)
    if found.wrong:
        raise NotAllSucceeded(f"{found.wrong} of {plural(len(found.steps), 'request')} would not succeed")


def _sound(screen: Screen, manifests: list[str], source: Source, *, exit_code: bool) -> tuple[Entry, ...]:
    """Return the requests. Raises: UsageError; where its exit status would mean "changes", CliError."""
    try:
        return load(manifests, source).sound(skip_invalid=False)
    except UsageError as error:
        for fault in error.faults if isinstance(error, ManifestError) else ():
            screen.record(fault.record())
        if exit_code:
            raise CliError(str(error)) from None
        raise
