"""The example manifest: 50 products x 8 modules."""

from collections import Counter
from typing import Any

from cli.clients.iot import Holding
from cli.manifests.manifest import load
from cli.manifests.plan import products_of, steps
from tests.support.paths import ROOT

FLEET = str(ROOT / "examples/fleet.yml")


def test_the_fleet_is_400_requests_without_a_fault() -> None:
    """Eight modules for each of fifty products, each with an alias and a description."""
    manifest = load([FLEET])
    requests = [entry.request for entry in manifest.entries]
    assert manifest.faults == ()
    assert Counter(Counter(request.ProductKey for request in requests).values()) == {8: 50}
    assert len({request.key for request in requests}) == 400
    assert all(request.AliasName and request.Desc for request in requests)


def test_the_fleet_is_sent_in_full(cloud: Any, ota_modules: Any) -> None:
    """To the request queue, every one."""
    ended = ota_modules("send", FLEET)
    assert (ended.status, cloud.depth(cloud.names.request_queue)) == (0, 400)


def test_a_plan_of_the_fleet_creates_all_of_it(cloud: Any, ota_modules: Any) -> None:
    """In the products as the local cloud starts with them; each is empty but for `default`, so that its eight modules fit."""
    entries = load([FLEET]).entries
    modules = {product.key: product.modules for product in cloud.platform.products}
    assert all([module.name for module in modules[entry.request.ProductKey]] == ["default"] for entry in entries)
    actions = Counter(
        step.action for product, wanted in products_of(entries).items() for step in steps(Holding(product), wanted)
    )
    assert actions == {"create": 400}
