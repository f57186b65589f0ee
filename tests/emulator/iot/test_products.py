"""Products and their modules."""

from pathlib import Path

import pytest

from emulator.iot import products, seeds
from emulator.iot.products import Products


@pytest.fixture
def shop() -> Products:
    """The products of the seed file, at a fixed time."""
    shop = Products(lambda: 1_600_000_000.0)
    shop.load()
    return shop


def names(shop: Products, key: str) -> list[str]:
    return [module.name for module in shop.find(key, None).modules]


def test_every_product_has_default(shop: Products) -> None:
    """`default` comes first, and comes with the product."""
    assert {product.modules[0].name for product in shop} == {"default"}


def test_a_created_module_is_there(shop: Products) -> None:
    """Name, alias, description and time are kept as given."""
    shop.create_module(shop.find("a1Fleet0001", None), "MCU", "单片机", "The MCU.")
    module = shop.find("a1Fleet0001", None).module("mcu")
    assert module == products.Module("MCU", "单片机", "The MCU.", 1_600_000_000.0, 1_600_000_000.0)


@pytest.mark.parametrize("name", ["barcodeScanner", "BARCODESCANNER", "default", "Default"])
def test_a_name_is_taken_in_any_case(shop: Products, name: str) -> None:
    """Letters are compared without case, and `default` is a name like others."""
    with pytest.raises(products.NameTaken):
        shop.create_module(shop.find("a1Known0001", None), name, None, None)


def test_a_full_product_takes_no_more(shop: Products) -> None:
    """Ten custom modules are the most, `default` not counted."""
    assert len(shop.find("a1Full00010", None).modules) == 11
    with pytest.raises(products.LimitReached):
        shop.create_module(shop.find("a1Full00010", None), "eleventh", None, None)


def test_a_full_product_says_of_a_taken_name_that_it_is_taken(shop: Products) -> None:
    """A module that is there is found before the product is found full."""
    with pytest.raises(products.NameTaken):
        shop.create_module(shop.find("a1Full00010", None), "mcu", None, None)


def test_update_changes_alias_and_description_alone(shop: Products) -> None:
    """The name keeps its case, whatever case the call used."""
    shop.update_module(shop.find("a1Known0001", None), "BARCODEscanner", "New_alias", "New.")
    module = shop.find("a1Known0001", None).module("barcodeScanner")
    assert module is not None
    assert (module.name, module.alias, module.desc) == ("barcodeScanner", "New_alias", "New.")


def test_delete_makes_room(shop: Products) -> None:
    """After a deletion the full product takes another module."""
    shop.delete_module(shop.find("a1Full00010", None), "MCU")
    shop.create_module(shop.find("a1Full00010", None), "eleventh", None, None)
    assert "mcu" not in names(shop, "a1Full00010")
    assert "eleventh" in names(shop, "a1Full00010")


@pytest.mark.parametrize(
    ("name", "error"),
    [("default", products.BuiltIn), ("modem", products.InUse), ("nowhere", products.UnknownModule)],
)
def test_some_modules_cannot_be_deleted(shop: Products, name: str, error: type[Exception]) -> None:
    """Neither `default`, nor one with an update package, nor one that is not there."""
    with pytest.raises(error):
        shop.delete_module(shop.find("a1Known0001", None), name)


@pytest.mark.parametrize(
    ("key", "instance", "error"),
    [
        ("nowhere", None, products.UnknownProduct),
        ("a1Inst00001", None, products.InstanceNeeded),
        ("a1Inst00001", "iot-elsewhere", products.UnknownInstance),
        ("a1Fleet0001", "iot-060a0test", products.UnknownProduct),
        ("nowhere", "iot-060a0test", products.UnknownProduct),
    ],
)
def test_a_product_is_found_only_through_its_instance(
    shop: Products, key: str, instance: str | None, error: type[Exception]
) -> None:
    """A product in an instance needs its id, one in none accepts none."""
    with pytest.raises(error):
        shop.find(key, instance)


def test_a_product_is_found_through_its_instance(shop: Products) -> None:
    """The right instance id leads to the product."""
    assert shop.find("a1Inst00001", "iot-060a0test").key == "a1Inst00001"


def test_the_seeds_hold_what_samples_rely_on(shop: Products) -> None:
    """The sample's key, five empty fleet products, a full one, and dozens for demonstrations."""
    keys = {product.key for product in shop}
    assert {"a1Le6d0****", "a1Le6d0abcd", *(f"a1Fleet000{n}" for n in range(1, 6))} <= keys
    assert sum(key.startswith("a1Demo") for key in keys) >= 24


@pytest.mark.parametrize(
    "text",
    [
        "products: [{key: a, name: A, colour: red}]",
        "products: [{key: a, name: A}, {key: a, name: B}]",
        "products: [{key: a, name: A, modules: [{name: mcu}, {name: MCU}]}]",
        "products: [{key: a, name: A, modules: [{name: Default}]}]",
        "products: {",
        "",
    ],
)
def test_a_wrong_seed_file_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    """Unknown fields, repeated keys and names, and what is no YAML are errors that name the file."""
    path = tmp_path / "wrong.yml"
    path.write_text(text)
    with pytest.raises(seeds.SeedError, match=r"wrong\.yml"):
        Products().load(path)
