"""`ota-modules validate`: manifests, checked offline."""

from typing import Annotated, Literal

import typer

from cli.commands.options import AsJson, Encoding, Manifests, Sheet
from cli.errors import UsageError
from cli.manifests.faults import Fault, told
from cli.manifests.formats import Format
from cli.manifests.manifest import Source, load
from cli.terminal.screen import Screen, visible


def validate(
    manifests: Manifests,
    report: Annotated[
        Literal["text", "github"],
        typer.Option("--format", help="Report as text, or as annotations of a GitHub workflow."),
    ] = "text",
    form: Annotated[
        Format | None, typer.Option("--input-format", help="Input format (default: detected from the file).")
    ] = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
) -> None:
    """Check manifests without any cloud: every rule, all faults at once. Exit status 2 if there are any.

    Example: ota-modules validate fleet.yml
    """
    screen = Screen(as_json=as_json)
    manifest = load(manifests, Source(form, encoding, sheet, screen.note))
    for fault in manifest.faults:
        screen.record(fault.record())
        if report == "github":
            screen.say(annotation(fault))
    if report == "text":
        for line in told(manifest.faults):
            screen.say(visible(line))
    if manifest.faults:
        count = len(manifest.faults)
        raise UsageError(f"{count} {'fault' if count == 1 else 'faults'}")
    screen.note(f"{len(manifest.entries)} valid {'request' if len(manifest.entries) == 1 else 'requests'}")


def annotation(fault: Fault) -> str:
    """Return a fault as a workflow command of GitHub: `::error file=fleet.yml,line=3::AliasName: …`."""
    place = fault.place.path + ": " if fault.place.path else ""
    text = f"{place}{fault.field + ': ' if fault.field else ''}{fault.rule}"
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    file = fault.place.file.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={fault.place.line}::{visible(escaped)}"
