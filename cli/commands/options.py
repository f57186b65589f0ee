"""Options that several commands share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from typer import Argument, Option

from cli.clients.target import Target
from cli.errors import Interrupted, UsageError
from cli.manifests.faults import Fault, summarize
from cli.manifests.formats import Files
from cli.manifests.manifest import Entry, Manifest, load
from cli.terminal.screen import Screen, plural, visible
from handler.messages import Policy

EXPECTED_RATE = 7.0
"""Calls a second that template.yml gives the queue's function."""

Manifests = Annotated[list[str], Argument(help="YAML, JSON, JSON Lines, CSV, TSV or Excel files; - is standard input.")]
Qps = Annotated[float, Option(min=0.1, max=9, help="Calls a second, out of the account's ten.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]


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


def agree(screen: Screen, target: Target, count: int, *, yes: bool, rate: float = EXPECTED_RATE) -> None:
    """Ask before requests go to an account, if there is a terminal. Raises: Interrupted: the answer was no."""
    if yes or target.local or not screen.is_asked():
        return
    minutes = max(1, round(count / rate / 60))
    screen.warn(
        f"{plural(count, 'request')} for {target}, about {plural(minutes, 'minute')}. Module names can never be changed."
    )
    if not typer.confirm("Continue?", err=True):
        raise Interrupted("nothing was sent")
