"""`ota-modules export`: what products hold, as a manifest that changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.clients.iot import Holding, ProductRef
from cli.commands.export import ExportFormat, custom, manifest_of
from cli.manifests.manifest import load
from cli.manifests.plan import products_of, steps
from handler.iot import Module
from tests.support.command import run

ENDINGS: dict[ExportFormat, str] = {"yaml": "yml", "jsonl": "jsonl", "csv": "csv"}

names = st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True).filter(lambda name: name.lower() != "default")
aliases = st.just("") | st.from_regex(r"[A-Za-z0-9\u4e00-\u9fa5._-]{1,8}", fullmatch=True)
texts = st.just("") | st.text(st.characters(blacklist_categories=["C", "Zl", "Zp"]), max_size=30)
modules = st.lists(
    st.builds(Module, names, aliases, texts), max_size=10, unique_by=lambda module: module.ModuleName.lower()
)
products = st.builds(ProductRef, st.sampled_from(["", "iot-1"]), st.from_regex(r"a1[A-Za-z0-9]{1,10}", fullmatch=True))
holdings = st.dictionaries(products, modules, min_size=1, max_size=6).map(
    lambda held: [Holding(product, (Module("default"), *modules)) for product, modules in held.items()]
)


@settings(deadline=None, max_examples=80)
@given(held=holdings, form=st.sampled_from(["yaml", "jsonl", "csv"]))
def test_an_export_plans_to_nothing(tmp_path_factory: pytest.TempPathFactory, held: Any, form: ExportFormat) -> None:
    path = tmp_path_factory.mktemp("export") / f"fleet.{ENDINGS[form]}"
    path.write_text(manifest_of(held, form), encoding="utf-8", newline="")
    manifest = load([str(path)])
    assert manifest.faults == ()
    assert len(manifest.entries) == sum(len(custom(holding)) for holding in held)
    wanted = products_of(manifest.entries)
    actions = {step.action for holding in held for step in steps(holding, wanted.get(holding.product, []))}
    assert actions <= {"none"}


def test_products_with_the_same_modules_are_one_grid() -> None:
    """Three hundred products and eight modules are ten lines."""
    held = [Holding(ProductRef("", f"a{number}"), (Module("mcu", "主控"), Module("modem"))) for number in range(300)]
    text = manifest_of(held, "yaml")
    assert text.count("mcu") == 1
    assert "- {ModuleName: mcu, AliasName: 主控}" in text


def test_all_products_are_exported_and_planned_without_a_change(cloud: Any, ota_modules: Any, tmp_path: Path) -> None:
    """Against the local cloud, through its own list of products."""
    path = str(tmp_path / "all.yml")
    exported = ota_modules("export", "--qps", "9", "--output", path)
    assert exported.status == 0, exported.err
    planned = ota_modules("plan", "--qps", "9", "--exit-code", path)
    assert planned.status == 0, planned.out + planned.err


def test_products_are_chosen_by_key_by_name_and_from_a_file(cloud: Any, ota_modules: Any, write: Any) -> None:
    """Names in any case, with * and ?."""
    keys = write("keys.txt", "# mine\na1Full00010\n")
    ended = ota_modules("export", "fleet tracker ?", "--from", keys, "--format", "jsonl", "--qps", "9")
    assert ended.status == 0, ended.err
    chosen = {"a1Full00010", *(f"a1Fleet000{number}" for number in range(1, 6))}
    assert {record["ProductKey"] for record in ended.records} <= chosen
    assert "of 6 products" in ended.err


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("No such fleet*", 2, "no product is called 'No such fleet*'"), ("a1Nowhere", 1, "the first is a1Nowhere")],
)
def test_what_cannot_be_exported_is_an_error(cloud: Any, ota_modules: Any, name: str, status: int, words: str) -> None:
    """Half an export would be taken for a whole one."""
    ended = ota_modules("export", name, "--qps", "9")
    assert (ended.status, words in ended.err) == (status, True)


def test_a_manifest_is_utf_8_whatever_the_terminal_is(cloud: Any) -> None:
    """An escape in an alias would be another alias."""
    ended = run("export", "a1Known0001", "--format", "jsonl", **cloud.environ, PYTHONIOENCODING="latin-1")
    assert "调制解调器" in ended.stdout.decode("utf-8"), ended.stderr
