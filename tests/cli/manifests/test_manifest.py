"""Manifests, checked whole before anything is sent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.manifests.manifest import Manifest, load


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Given":
    """`given(text)` is the manifest of a file m.yml with that text."""
    monkeypatch.chdir(tmp_path)

    def make(text: str) -> Manifest:
        Path("m.yml").write_text(text, encoding="utf-8")
        return load(["m.yml"])

    return make


Given = Callable[[str], Manifest]


def faults(manifest: Manifest) -> list[str]:
    return [str(fault) for fault in manifest.faults]


def test_every_fault_is_told_with_file_line_field_and_rule(given: "Given") -> None:
    """All of them at once."""
    found = faults(given("- {ProductKey: a b, ModuleName: default}\n- {ProductKey: a1, ModuleName: a b}\n- mcu\n"))
    assert [fault.split(": ")[:2] for fault in found] == [
        ["m.yml:1", "ModuleName"],
        ["m.yml:1", "ProductKey"],
        ["m.yml:2", "ModuleName"],
        ["m.yml:3", "must be an object with the fields of a request (it is 'mcu')"],
    ]


def test_names_that_differ_in_case_only_are_duplicates(given: "Given") -> None:
    """The fault names the line of the first."""
    manifest = given("- {ProductKey: a1, ModuleName: mcu}\n- {ProductKey: a1, ModuleName: MCU}\n")
    assert faults(manifest) == ["m.yml:2: ModuleName: a1/MCU: the same module as m.yml:1"]
    assert len(manifest.entries) == 1


def test_the_same_name_in_another_instance_is_another_module(given: "Given") -> None:
    """As the function sees it."""
    text = "- {ProductKey: a1, ModuleName: mcu}\n- {ProductKey: a1, ModuleName: mcu, IotInstanceId: iot-1}\n"
    assert len(given(text).entries) == 2


def test_an_eleventh_module_of_a_product_is_a_fault(given: "Given") -> None:
    """Ten pass."""
    manifest = given("".join(f"- {{ProductKey: a1, ModuleName: m{number}}}\n" for number in range(12)))
    assert len(manifest.entries) == 10
    assert faults(manifest) == [f"m.yml:{line}: ModuleName: a1 would get more than 10 modules" for line in (11, 12)]


def test_an_id_may_stand_once_only(given: "Given") -> None:
    """Outcomes are told apart by it."""
    manifest = given("- {ProductKey: a1, ModuleName: m1, Id: x}\n- {ProductKey: a1, ModuleName: m2, Id: x}\n")
    assert faults(manifest) == ["m.yml:2: Id: the same Id as m.yml:1"]


@pytest.mark.parametrize("field", ["Attempt: 2", "Tried: true"])
def test_what_the_function_sets_is_refused(given: "Given", field: str) -> None:
    """A manifest begins, it does not go on."""
    assert "is set by the function" in faults(given(f"- {{ProductKey: a1, ModuleName: m1, {field}}}\n"))[0]


def test_a_fault_of_a_module_is_told_once_for_all_products(given: "Given") -> None:
    """With the line of the module."""
    assert [
        fault.split(": ")[0] for fault in faults(given("products: [a1, a2, a3]\nmodules:\n  - mcu\n  - a b\n"))
    ] == ["m.yml:4"]


def test_a_fault_of_an_override_is_told_with_its_line(given: "Given") -> None:
    """Though the request stands elsewhere."""
    text = "products: [a1]\nmodules: [mcu]\noverrides:\n  - {ModuleName: mcu, AliasName: a b}\n"
    assert [fault.split(": ")[:2] for fault in faults(given(text))] == [["m.yml:4", "AliasName"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("products: [a1]\n", "go together"),
        ("products: [a1]\nmodules: [mcu]\noverrides: [{ModuleName: mcuu, AliasName: x}]\n", "matches no request"),
        ("products: [[a1]]\nmodules: [mcu]\n", "must be a name or an object"),
        ("defaults: keep\nrequests: []\n", "defaults must be an object"),
    ],
)
def test_a_grid_that_cannot_be_meant_is_refused(given: "Given", text: str, words: str) -> None:
    """A misspelt override would be lost otherwise."""
    assert words in faults(given(text))[0]


def test_the_nearer_a_field_stands_the_more_it_counts(given: "Given") -> None:
    """Defaults, module, product, override."""
    text = """\
defaults: {OnExisting: keep, Desc: default, CorrelationId: default, AliasName: default}
products: [{ProductKey: a1, Desc: product, AliasName: product}]
modules: [{ModuleName: mcu, Desc: module, CorrelationId: module}]
overrides: [{ModuleName: mcu, AliasName: override}]
"""
    [entry] = given(text).entries
    request = entry.request
    assert (request.OnExisting, request.CorrelationId, request.Desc, request.AliasName) == (
        "keep", "module", "product", "override",
    )  # fmt: skip


def test_several_manifests_are_checked_together(tmp_path: Path) -> None:
    """A duplicate may stand in another file."""
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text('{"ProductKey": "a1", "ModuleName": "mcu"}', encoding="utf-8")
    [fault] = load([str(tmp_path / "one.json"), str(tmp_path / "two.json")]).faults
    assert "one.json:1" in fault.rule
