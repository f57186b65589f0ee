"""The example manifest: 50 products x 8 modules."""

from typing import Any

from cli.clients.iot import Holding
from cli.manifests.manifest import load
from cli.manifests.plan import products_of, steps
from tests.support.paths import ROOT

FLEET = str(ROOT / "examples/fleet.yml")


def test_the_fleet_is_400_requests_that_create_a_module_each(cloud: Any, ota_modules: Any) -> None:
    """Eight for each of fifty products, which the local cloud starts with, each empty but for `default`."""
    products = products_of(load([FLEET]).entries)
    assert len(products) == 50
    modules = {product.key: product.modules for product in cloud.platform.products}
    for product, entries in products.items():
        assert [module.name for module in modules[product.key]] == ["default"]
        assert all(entry.request.AliasName and entry.request.Desc for entry in entries)
        assert [step.action for step in steps(Holding(product), entries)] == ["create"] * 8
    assert (ota_modules("send", FLEET).status, cloud.queued) == (0, 400)
