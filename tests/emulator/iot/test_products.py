"""The rules of products and their modules, without a wire."""

import pytest

from emulator.iot.products import Module, Products, ProductsError


@pytest.fixture
def products() -> Products:
    return Products(lambda: 1_600_000_000.0)


def test_a_created_module_keeps_its_name_alias_description_and_time(products: Products) -> None:
    products.create_module(products.find("a1Fleet0001", None), "MCU", "单片机", "The MCU.")
    module = products.find("a1Fleet0001", None).module("mcu")
    assert module == Module("MCU", "单片机", "The MCU.", 1_600_000_000.0, 1_600_000_000.0)


@pytest.mark.parametrize(
    ("key", "name", "rule"),
    [
        ("a1Known0001", "barcodeScanner", "NameTaken"),
        ("a1Known0001", "BARCODESCANNER", "NameTaken"),
        ("a1Known0001", "Default", "NameTaken"),
        ("a1Full00010", "mcu", "NameTaken"),
        ("a1Full00010", "eleventh", "LimitReached"),
    ],
)
def test_a_module_that_cannot_be_created(products: Products, key: str, name: str, rule: str) -> None:
    """A taken name comes before a full product; `default` does not count among the ten modules."""
    with pytest.raises(ProductsError, match=rule):
        products.create_module(products.find(key, None), name, None, None)


def test_deleting_a_module_makes_room(products: Products) -> None:
    products.delete_module(products.find("a1Full00010", None), "MCU")
    products.create_module(products.find("a1Full00010", None), "eleventh", None, None)
    names = [module.name for module in products.find("a1Full00010", None).modules]
    assert (names[0], names[-1], "mcu" in names) == ("default", "eleventh", False)


@pytest.mark.parametrize(("name", "rule"), [("default", "BuiltIn"), ("modem", "InUse"), ("nowhere", "UnknownModule")])
def test_a_module_that_cannot_be_deleted(products: Products, name: str, rule: str) -> None:
    with pytest.raises(ProductsError, match=rule):
        products.delete_module(products.find("a1Known0001", None), name)


@pytest.mark.parametrize(
    ("key", "instance", "rule"),
    [
        ("nowhere", None, "UnknownProduct"),
        ("a1Inst00001", None, "InstanceNeeded"),
        ("a1Inst00001", "iot-elsewhere", "UnknownInstance"),
        ("a1Fleet0001", "iot-060a0test", "UnknownProduct"),
        ("nowhere", "iot-060a0test", "UnknownProduct"),
    ],
)
def test_a_product_is_found_only_through_its_instance(
    products: Products, key: str, instance: str | None, rule: str
) -> None:
    assert products.find("a1Inst00001", "iot-060a0test").key == "a1Inst00001"
    with pytest.raises(ProductsError, match=rule):
        products.find(key, instance)


def test_the_seeds_hold_what_samples_and_demonstrations_rely_on(products: Products) -> None:
    keys = [product.key for product in products]
    assert len(set(keys)) == len(keys)
    assert {"a1Le6d0****", "a1Le6d0abcd", *(f"a1Fleet000{n}" for n in range(1, 6))} <= set(keys)
    assert sum(key.startswith("a1Demo") for key in keys) >= 24
