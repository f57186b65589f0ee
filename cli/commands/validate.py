"""`ota-modules validate`: manifests, checked offline."""

from dataclasses import dataclass
from typing import Annotated, Literal

from typer import Option

from cli.commands.options import Manifests, load_valid
from cli.commands.session import Session
from cli.manifests.faults import Fault
from cli.manifests.formats import Files, Format
from cli.terminal.screen import plural, visible


@dataclass(frozen=True)
class Inputs(Files):
    """How files are to be read; here `--format` is the report's."""

    form: Annotated[Format | None, Option("--input-format", help="Input format (default: detected).")] = None


def validate(
    session: Session,
    manifests: Manifests,
    files: Inputs,
    report: Annotated[Literal["text", "github"], Option("--format", help="Format of the report.")] = "text",
) -> None:
    """Check manifests without any cloud: every rule, all faults at once. Exit status 2 if there are any.

    Example: ota-modules validate fleet.yml
    """
    screen = session.screen
    manifest = load_valid(screen, manifests, files, annotate=annotation if report == "github" else None)
    screen.note(plural(len(manifest.entries), "valid request"))


def annotation(fault: Fault) -> str:
    """Return a fault as a workflow command of GitHub: `::error file=fleet.yml,line=3::AliasName: …`."""
    place = fault.place.path + ": " if fault.place.path else ""
    text = f"{place}{fault.field + ': ' if fault.field else ''}{fault.rule}"
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    file = fault.place.file.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={fault.place.line}::{visible(escaped)}"
