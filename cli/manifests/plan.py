"""What sending a manifest would do, worked out from what the products hold now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cli import records
from cli.clients.iot import Holding, ProductRef
from cli.manifests.manifest import Entry
from handler.messages import ModuleRequest, Policy
from handler.modules import BUILT_IN, MOST_CUSTOM_MODULES, differences
from handler.outcomes import Difference

Action = Literal["create", "none", "update", "differs", "conflict", "limit", "unknown"]
"""create; there as wished; there, and would be changed; there, and would stay different; there, and the request says fail;
no room; the product cannot be read."""
CHANGES: tuple[Action, ...] = ("create", "update")
WRONG: tuple[Action, ...] = ("differs", "conflict", "limit", "unknown")


@dataclass(frozen=True)
class Step:
    """What would become of one request."""

    entry: Entry
    action: Action
    drift: Mapping[str, Difference]
    reason: str = ""

    def record(self) -> records.Step:
        request = self.entry.request
        return {
            "Action": self.action,
            "ProductKey": request.ProductKey,
            "ModuleName": request.ModuleName,
            "IotInstanceId": request.IotInstanceId,
            "Drift": {name: difference.model_dump() for name, difference in self.drift.items()},
            "Reason": self.reason,
            "Place": str(self.entry.place),
        }


def product_of(request: ModuleRequest, instance: str | None) -> ProductRef:
    """`instance` is for requests that name none."""
    return ProductRef(request.IotInstanceId or instance or "", request.ProductKey)


def products_of(entries: Iterable[Entry], instance: str | None) -> dict[ProductRef, list[Entry]]:
    """The entries by product, both in the order in which they stand."""
    found: dict[ProductRef, list[Entry]] = {}
    for entry in entries:
        found.setdefault(product_of(entry.request, instance), []).append(entry)
    return found


def steps(holding: Holding, entries: Sequence[Entry], on_existing: Policy) -> Iterator[Step]:
    """What would become of the requests for one product; `on_existing` is for requests that do not say."""
    if holding.refused:
        yield from (Step(entry, "unknown", {}, holding.refused) for entry in entries)
        return
    held = {module.ModuleName.lower(): module for module in holding.modules}
    room = MOST_CUSTOM_MODULES - len(held.keys() - {BUILT_IN})
    for entry in entries:
        found = held.get(entry.request.ModuleName.lower())
        if found is not None:
            drift = differences(entry.request, found)
            yield Step(entry, _existing(entry.request.OnExisting or on_existing, drift), drift)
        elif room > 0:
            room -= 1
            yield Step(entry, "create", {})
        else:
            yield Step(entry, "limit", {}, f"product limit of {MOST_CUSTOM_MODULES} modules reached")


def _existing(policy: Policy, drift: Mapping[str, Difference]) -> Action:
    if policy == "fail":
        return "conflict"
    if policy == "update" and drift.keys() - {"ModuleName"}:
        return "update"
    return "differs" if drift else "none"
