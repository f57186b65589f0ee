"""Problems: what is wrong is said so that its sender can correct it."""

import pytest

from handler.messages import ModuleRequest
from handler.problems import LONGEST_SHOWN, closest, shown


def test_a_refused_value_is_shown_short_and_visible() -> None:
    assert shown("x" * 1000) == f"'{'x' * LONGEST_SHOWN}…'"
    assert shown("a\x1b[31m\u200b\ud800 b") == r"'a\u001b[31m\u200b\ud800 b'"
    assert shown(["x"] * 1000).endswith("…")
    assert shown(None) == "null"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("productKey", "ProductKey"), ("PRODUCT_KEY", "ProductKey"), ("product-key", "ProductKey"),
        ("ProdcutKey", "ProductKey"), ("module", "ModuleName"), ("module_name", "ModuleName"), ("ModuleNam", "ModuleName"),
        ("Name", "ModuleName"), ("modulename ", "ModuleName"), ("alias\nName", "AliasName"), ("Alias", "AliasName"),
        ("description", "Desc"), ("Desc\ud800", "Desc"), ("Desk", "Desc"), ("instanceId", "IotInstanceId"), ("id", "Id"),
        ("on_existing", "OnExisting"), ("correlationid", "CorrelationId"), ("traceParent", "traceparent"),
        ("colour", None), ("模块", None), ("", None), ("x" * 1_000_000, None),
    ],
)  # fmt: skip
def test_the_known_name_that_was_meant_is_found(name: str, meant: str | None) -> None:
    assert closest(name, ModuleRequest.model_fields) == meant


def test_the_list_of_names_is_the_callers() -> None:
    assert closest("product", ("products", "modules")) == "products"
    assert closest("prodcuts", ("products", "modules"), cutoff=0.95) is None
