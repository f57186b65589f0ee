"""Problems: what is wrong is said so that its sender can correct it."""

import pytest

from handler.messages import ModuleRequest
from handler.problems import LONGEST_SHOWN, find_closest, show_value


def test_a_refused_value_is_shown_short_and_visible() -> None:
    assert show_value("x" * 1000) == f"'{'x' * LONGEST_SHOWN}…'"
    assert show_value("a\x1b[31m\u200b\ud800 b") == r"'a\u001b[31m\u200b\ud800 b'"
    assert show_value(["x"] * 1000).endswith("…")
    assert show_value(None) == "null"


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
    assert find_closest(name, ModuleRequest.model_fields) == meant


def test_the_list_of_names_is_the_callers() -> None:
    assert find_closest("product", ("products", "modules")) == "products"
    assert find_closest("prodcuts", ("products", "modules"), cutoff=0.95) is None
