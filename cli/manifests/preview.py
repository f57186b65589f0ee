"""A plan: worked out from what products hold now, shown, and kept as a file."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from cli.clients.iot import Products
from cli.clients.target import Target
from cli.errors import CliError
from cli.manifests.documents import suggestion
from cli.manifests.manifest import Entry, settled
from cli.manifests.plan import CHANGES, WRONG, Action, Step, products_of, steps
from cli.terminal.modules import Row, show_modules
from cli.terminal.progress import Meter
from cli.terminal.screen import Screen, plural
from handler.messages import ModuleRequest, Policy
from handler.modules import BUILT_IN

LOOKS: Mapping[Action, tuple[str, str]] = {
    "create": ("+ create", "green"),
    "update": ("~ update", "blue"),
    "none": ("= unchanged", "dim"),
    "differs": ("! differs", "yellow"),
    "conflict": ("! exists", "yellow"),
    "limit": ("! limit", "red"),
    "unknown": ("! unknown", "red"),
}
MOST_PRODUCTS = 50
"""Products whose other modules are shown."""


@dataclass(frozen=True)
class Preview:
    """What sending requests would do, and what is there besides."""

    steps: tuple[Step, ...]
    others: Mapping[str, Sequence[str]]
    """Modules that no request names, by product."""
    on_existing: Policy
    instance: str | None

    @property
    def wrong(self) -> int:
        return sum(step.action in WRONG for step in self.steps)

    def changes(self) -> list[ModuleRequest]:
        """Return the requests that would change something, each with the policy and the instance that the plan is for."""
        wanted = (step.entry.request for step in self.steps if step.action in CHANGES)
        return [settled(request, self.on_existing, self.instance) for request in wanted]


def preview(
    screen: Screen, target: Target, entries: Sequence[Entry], *, qps: float, on_existing: Policy, instance: str | None
) -> Preview:
    """Read each product once, and work out what would become of the requests. Raises: CloudError."""
    products = products_of(entries, instance)
    found: list[Step] = []
    others: dict[str, list[str]] = {}
    with closing(Products(target, qps)) as reader, Meter(screen, "products", len(products)) as meter:
        for holding in reader.read(list(products)):
            wanted = products[holding.product]
            found += steps(holding, wanted, on_existing)
            named = {entry.request.ModuleName.lower() for entry in wanted} | {BUILT_IN}
            others[holding.product.key] = [
                module.ModuleName for module in holding.modules if module.ModuleName.lower() not in named
            ]
            meter.step(1)
    return Preview(tuple(found), {key: names for key, names in others.items() if names}, on_existing, instance)


def show(screen: Screen, target: Target, plan: Preview) -> None:
    """Show a plan: what would change or fail, alike rows as one, then what is there besides, then the counts."""
    for step in plan.steps:
        screen.record(step.record())
    shown = [step for step in plan.steps if step.action != "none"]
    show_modules(screen, ("Plan", "Module", "Why"), _rows(shown))
    for key, names in list(plan.others.items())[:MOST_PRODUCTS]:
        screen.say(f"also there, not in the manifest: {key}: {', '.join(names)}")
    counts = Counter(step.action for step in plan.steps)
    words = ", ".join(f"{counts[action]} {LOOKS[action][0][2:]}" for action in LOOKS if counts[action])
    screen.summary(f"{plural(len(plan.steps), 'request')}: {words}" + ("" if shown else f"; no changes in {target}"))


def _rows(steps: Sequence[Step]) -> Iterator[Row]:
    """Yield a row for each request; those of a product that cannot be read are one."""
    readable = {step.entry.request.ProductKey for step in steps if step.action != "unknown"}
    unknown = Counter((step.entry.request.ProductKey, step.reason) for step in steps if step.action == "unknown")
    for (product, reason), count in unknown.items():
        why = f"{plural(count, 'request')}: {reason}{suggestion(product, readable)}"
        yield Row(Text(*LOOKS["unknown"]), product, "*", why)
    for step in steps:
        if step.action != "unknown":
            request = step.entry.request
            yield Row(Text(*LOOKS[step.action]), request.ProductKey, request.ModuleName, _why(step))


def _why(step: Step) -> str:
    if step.action == "update":
        return ", ".join(f"{name}: {each.Found!r} -> {each.Wanted!r}" for name, each in step.drift.items())
    drift = ", ".join(f"{name} is {each.Found!r}, not {each.Wanted!r}" for name, each in step.drift.items())
    stays = step.action == "differs" and step.drift.keys() != {"ModuleName"}
    hint = "" if step.entry.request.OnExisting else "; --on-existing update changes it"
    drift += f"; stays as it is (OnExisting: keep){hint}" if stays else ""
    return " ".join(part for part in (drift, step.reason) if part)


def keep(path: Path, plan: Preview) -> None:
    """Write the requests that would change something as JSON Lines, for `apply` or `send`. Raises: CliError."""
    lines = (json.dumps(request.model_dump(exclude_defaults=True), ensure_ascii=False) for request in plan.changes())
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
