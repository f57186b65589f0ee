"""`ota-modules init` and `validate`: a manifest to begin with, and manifests checked offline."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

from cli.commands.session import Session
from cli.errors import CliError, UsageError
from cli.manifests.documents import Fault
from cli.manifests.formats import Files, Format
from cli.manifests.manifest import Manifest, load
from cli.terminal.files import write
from cli.terminal.screen import Screen, plural, visible

Manifests = Annotated[list[str], Argument(help="YAML, JSON, JSON Lines, CSV, TSV or Excel files; - is standard input.")]

SCHEMA = Path(__file__).parents[2] / "events" / "manifest.schema.json"
EXAMPLE = SCHEMA.parents[1] / "examples" / "fleet-start.yml"
MOST_LINES = 20
"""Lines in which faults are shown at most."""
ALONE = 3
"""So many faults of one kind are shown one by one."""
_VALUES = r"\(it is .*?\)(?=;|$| \()|`[^`]*`|'[^']*'|\"[^\"]*\"|\S+/\S+|\S+:\d+|\d+"


def init(
    session: Session,
    path: Annotated[Path, Argument(help="The file to write.")] = Path("fleet.yml"),
    force: Annotated[bool, Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write an example manifest to start from.

    Example: ota-modules init fleet.yml
    """
    if path.exists() and not force:
        raise CliError(f"{path} exists; --force overwrites it")
    # Where an editor finds the schema, whatever the folder of the new file.
    text = EXAMPLE.read_text(encoding="utf-8").replace("../events/manifest.schema.json", str(SCHEMA))
    write(path, text.replace(EXAMPLE.name, str(path)))
    session.screen.record({"Wrote": str(path)})
    session.screen.note(f"wrote {path}; next: ota-modules validate {path}")


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


def load_valid(
    screen: Screen, manifests: list[str], files: Files, *, skip_invalid: bool = False, hint: str = "",
    annotate: Callable[[Fault], str] | None = None,
) -> Manifest:  # fmt: skip
    """Read and check manifests, and show their faults. Raises: UsageError: there are any, or there is no request."""
    manifest = load(manifests, files, screen.note)
    for fault in manifest.faults if not skip_invalid else ():
        screen.record(fault.record())
    for line in map(annotate, manifest.faults) if annotate else summarize(manifest.faults):
        screen.summary(visible(line))
    if manifest.faults and not skip_invalid:
        raise UsageError(plural(len(manifest.faults), "fault") + hint)
    if not manifest.entries:
        raise UsageError("the manifest holds no request")
    return manifest


def annotation(fault: Fault) -> str:
    """Return a fault as a workflow command of GitHub: `::error file=fleet.yml,line=3::AliasName: …`."""
    place = fault.place.path + ": " if fault.place.path else ""
    text = f"{place}{fault.field + ': ' if fault.field else ''}{fault.rule}"
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    file = fault.place.file.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::error file={file},line={fault.place.line}::{visible(escaped)}"


def summarize(faults: Sequence[Fault]) -> Iterator[str]:
    """Yield the lines in which faults are shown: those that differ in their values only are one line with a count."""
    kinds: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault((fault.place.file, fault.field, re.sub(_VALUES, "…", fault.rule)), []).append(fault)
    lines: list[str] = []
    for same in kinds.values():
        rest = f", and {len(same) - 1} more of the same kind, the last at {same[-1].place}"
        lines += map(str, same) if len(same) <= ALONE else [f"{same[0]}{rest}"]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"and {len(lines) - MOST_LINES} more lines of other kinds"
