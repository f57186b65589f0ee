"""A plan: what sending a manifest would do, worked out from what the products hold now, shown, and kept as a file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from difflib import get_close_matches

from rich.text import Text

from cli.clients.iot import Holding, ProductRef, Products
from cli.clients.target import Target
from cli.manifests.manifest import Entry
from cli.records import Action, Step
from cli.terminal.modules import Row, show_modules
from cli.terminal.progress import Meter
from cli.terminal.screen import Screen, plural
from handler.messages import Policy
from handler.modules import BUILT_IN, MOST_CUSTOM_MODULES, differences
from handler.outcomes import Difference

CHANGES: tuple[Action, ...] = ("create", "update")
WRONG: tuple[Action, ...] = ("differs", "conflict", "limit", "unknown")
LOOKS: Mapping[Action, tuple[str, str]] = {
    "create": ("+ create", "green"), "update": ("~ update", "blue"), "none": ("= unchanged", "dim"),
    "differs": ("! differs", "yellow"), "conflict": ("! exists", "yellow"),
    "limit": ("! limit", "red"), "unknown": ("! unknown", "red"),
}  # fmt: skip
NO_PRODUCT = "iot.prod.NotExistedProduct"
MOST_PRODUCTS = 50
"""Products whose other modules are shown."""


def products_of(entries: Iterable[Entry]) -> dict[ProductRef, list[Entry]]:
    """Return the entries by product, both in the order in which they stand."""
    found: dict[ProductRef, list[Entry]] = {}
    for entry in entries:
        product = ProductRef(entry.request.IotInstanceId or "", entry.request.ProductKey)
        found.setdefault(product, []).append(entry)
    return found


def steps(holding: Holding, entries: Sequence[Entry]) -> Iterator[Step]:
    """Yield what would become of the requests for one product."""
    held = {module.ModuleName.lower(): module for module in holding.modules}
    room = MOST_CUSTOM_MODULES - len(held.keys() - {BUILT_IN})
    for entry in entries:
        request = entry.request
        found = held.get(request.ModuleName.lower())
        drift: Mapping[str, Difference] = {}
        action: Action = "create"
        reason = ""
        if holding.refused:
            action, reason = "unknown", holding.refused
        elif found is not None:
            drift = differences(request, found)
            action = _existing(request.OnExisting or "keep", drift)
        elif room <= 0:
            action, reason = "limit", f"product limit of {MOST_CUSTOM_MODULES} modules reached"
        else:
            room -= 1
        named = (request.ProductKey, request.ModuleName, request.IotInstanceId)
        yield Step(action, *named, drift, reason, str(entry.place), request)


def _existing(policy: Policy, drift: Mapping[str, Difference]) -> Action:
    if policy == "fail":
        return "conflict"
    if policy == "update" and drift.keys() - {"ModuleName"}:
        return "update"
    return "differs" if drift else "none"


def make_plan(screen: Screen, target: Target, entries: Sequence[Entry], qps: float) -> list[Step]:
    """Read each product once, work out what would become of the requests, and show it. Raises: CloudError."""
    products = products_of(entries)
    found: list[Step] = []
    others: dict[str, list[str]] = {}
    with closing(Products(target, qps)) as reader, Meter(screen, "products", len(products)) as meter:
        for holding in reader.read(list(products)):
            wanted = products[holding.product]
            found += steps(holding, wanted)
            named = {entry.request.ModuleName.lower() for entry in wanted} | {BUILT_IN}
            unnamed = [module.ModuleName for module in holding.modules if module.ModuleName.lower() not in named]
            others |= {holding.product.key: unnamed} if unnamed else {}
            meter.step(1)
    _show(screen, target, found, others)
    return found


def _show(screen: Screen, target: Target, plan: Sequence[Step], others: Mapping[str, Sequence[str]]) -> None:
    """Show what would change or fail, alike rows as one, then modules that no request names, then the counts."""
    for step in plan:
        screen.record(step)
    rows = list(_rows(plan))
    show_modules(screen, ("Plan", "Module", "Why"), rows)
    for key, names in list(others.items())[:MOST_PRODUCTS]:
        screen.say(f"also there, not in the manifest: {key}: {', '.join(names)}")
    counts = Counter(step.action for step in plan)
    words = ", ".join(f"{counts[action]} {look[2:]}" for action, (look, _) in LOOKS.items() if counts[action])
    screen.summary(f"{plural(len(plan), 'request')}: {words}" + ("" if rows else f"; no changes in {target}"))


def _rows(plan: Sequence[Step]) -> Iterator[Row]:
    """Yield a row for each request that is not unchanged; those of a product that cannot be read are one."""
    readable = {step.product_key for step in plan if step.action != "unknown"}
    unknown = Counter((step.product_key, step.reason) for step in plan if step.action == "unknown")
    for (product, reason), count in unknown.items():
        why = "does not exist in this account or instance, " * (reason == NO_PRODUCT) + reason
        near = "".join(f" (did you mean {each}?)" for each in get_close_matches(product, readable - {product}, 1, 0.8))
        yield Row(Text(*LOOKS["unknown"]), product, "*", f"{plural(count, 'request')}: {why}{near}")
    for step in plan:
        if step.action not in ("unknown", "none"):
            yield Row(Text(*LOOKS[step.action]), step.product_key, step.module_name, _why(step))


def _why(step: Step) -> str:
    if step.action == "update":
        return ", ".join(f"{name}: {each.Found!r} -> {each.Wanted!r}" for name, each in step.drift.items())
    drift = ", ".join(f"{name} is {each.Found!r}, not {each.Wanted!r}" for name, each in step.drift.items())
    stays = step.action == "differs" and step.drift.keys() != {"ModuleName"}
    drift += "; stays as it is (OnExisting: keep); OnExisting: update changes it" if stays else ""
    return " ".join(part for part in (drift, step.reason) if part)
