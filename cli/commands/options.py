"""Options that several commands share."""

from collections.abc import Callable
from typing import Annotated

from typer import Argument, Option

from cli.errors import UsageError
from cli.manifests.faults import Fault, summarize
from cli.manifests.formats import Files
from cli.manifests.manifest import Manifest, load
from cli.terminal.screen import Screen, plural, visible

Manifests = Annotated[list[str], Argument(help="YAML, JSON, JSON Lines, CSV, TSV or Excel files; - is standard input.")]
Qps = Annotated[float, Option(min=0.1, max=9, help="Calls a second, out of the account's ten.")]


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
