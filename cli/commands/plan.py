"""`ota-modules plan`: what sending manifests would do."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated

import typer
from rich.text import Text

from cli.clients.iot import Products
from cli.clients.target import Target
from cli.commands.options import AsJson, Encoding, Form, Local, Manifests, Sheet, chosen
from cli.errors import CliError, NotAllSucceeded, UsageError
from cli.manifests.faults import ManifestError
from cli.manifests.manifest import Entry, Source, load
from cli.manifests.plan import CHANGES, WRONG, Action, Step, products_of, steps
from cli.terminal.progress import Meter
from cli.terminal.screen import Screen, plural
from handler.messages import Policy

LOOKS: Mapping[Action, tuple[str, str]] = {
    "create": ("+ create", "green"),
    "update": ("~ update", "blue"),
    "none": ("= unchanged", "dim"),
    "differs": ("! differs", "yellow"),
    "conflict": ("! exists", "yellow"),
    "limit": ("! limit", "red"),
    "unknown": ("! unknown", "red"),
}


def plan(
    manifests: Manifests,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="0 no changes, 1 error, 2 changes, 3 some requests would not succeed.")
    ] = False,
    qps: Annotated[float, typer.Option(min=0.1, max=9, help="Calls a second, out of the account's ten.")] = 3,
    on_existing: Annotated[
        Policy, typer.Option(help="OnExisting for requests that name none; use the function's OTA_ON_EXISTING.")
    ] = "keep",
    instance: Annotated[
        str | None, typer.Option(help="Instance for requests that name none; use the function's OTA_IOT_INSTANCE_ID.")
    ] = None,
    form: Form = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Preview what sending would create, update, leave unchanged or reject. Changes nothing.

    Example: ota-modules plan fleet.yml
    """
    screen = Screen(as_json=as_json)
    target = chosen(screen, local=local)
    entries = _sound(screen, manifests, Source(form, encoding, sheet, screen.note), exit_code=exit_code)
    products = products_of(entries, instance)
    found: list[Step] = []
    with closing(Products(target, qps)) as reader, Meter(screen, "products", len(products)) as meter:
        for holding in reader.read(list(products)):
            found += steps(holding, products[holding.product], on_existing)
            meter.step(1)
    _show(screen, target, found)
    wrong = sum(step.action in WRONG for step in found)
    if exit_code and not any(step.action in ("limit", "unknown", "conflict") for step in found):
        raise typer.Exit(2 if any(step.action in CHANGES for step in found) else 0)
    if wrong:
        raise NotAllSucceeded(f"{wrong} of {plural(len(found), 'request')} would not succeed")


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


def _show(screen: Screen, target: Target, found: list[Step]) -> None:
    for step in found:
        screen.record(step.record())
    rows = [
        (Text(*LOOKS[step.action]), f"{step.entry.request.ProductKey}/{step.entry.request.ModuleName}", _why(step))
        for step in found
        if step.action != "none"
    ]
    if rows:
        screen.table(("Plan", "Module", "Why"), rows)
    counts = Counter(step.action for step in found)
    words = ", ".join(f"{counts[action]} {LOOKS[action][0][2:]}" for action in LOOKS if counts[action])
    screen.say(f"{plural(len(found), 'request')}: {words}" + ("" if rows else f"; no changes in {target}"))


def _why(step: Step) -> str:
    drift = ", ".join(f"{name}: {each.Found!r} -> {each.Wanted!r}" for name, each in step.drift.items())
    return " ".join(part for part in (drift, step.reason) if part)
