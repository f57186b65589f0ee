"""The samples: complete, consistent with the contract, and out of one another's way."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from handler.envelopes import Place
from handler.messages import Invalid, read_body
from handler.triggers import deliveries
from tests.support.paths import ROOT
from tests.support.samples import BESIDE, EVENTS, FOLDERS, SAMPLES, beside, named, samples

MESSAGE = "{message}"


def test_nothing_lies_beside_a_sample_that_is_gone() -> None:
    kept = {sample.stem + suffix for sample in SAMPLES for suffix in BESIDE}
    found = {path.name for folder in FOLDERS for path in (EVENTS / folder).iterdir() if path.name.endswith(BESIDE)}
    assert found <= kept


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_lists_every_sample(folder: str) -> None:
    readme = (EVENTS / "README.md").read_text(encoding="utf-8")
    heading = {"requests": "Requests", "wrapped": "Wrapped requests", "http": "HTTP", "triggers": "Triggers"}[folder]
    table = readme.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    listed = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(listed) == [sample.name for sample in samples(folder)]


@pytest.mark.parametrize("sample", samples("requests") + samples("wrapped"), ids=named)
def test_a_body_ends_as_its_rules_say(sample: Path) -> None:
    """What breaks a rule is expected as rejected, with the fields that break one; nothing else expects Errors."""
    found = {
        one.Id: one for one in read_body(sample.read_bytes(), Place(MESSAGE, is_named=True, source="smq")).requests()
    }
    expected = {outcome["Id"]: outcome for outcome in beside(sample, "outcomes")}
    assert found.keys() == expected.keys()
    for name, one in found.items():
        fields = [problem.Field for problem in one.problems] if isinstance(one, Invalid) else []
        assert Counter(error["Field"] for error in expected[name].get("Errors") or ()) <= Counter(fields)
        assert expected[name]["Status"] == "rejected" or not fields


@pytest.mark.parametrize("sample", [path for path in samples("triggers") if "http-" not in path.name], ids=named)
def test_an_event_holds_the_requests_that_its_outcomes_name(sample: Path) -> None:
    """Those that are no requests are expected as rejected."""
    found = [one for delivery in deliveries(sample.read_bytes()) for one in delivery.open().requests()]
    assert sorted(str(one.Id) for one in found) == sorted(outcome["Id"] for outcome in beside(sample, "outcomes"))
    rejected = sum(outcome["Status"] == "rejected" for outcome in beside(sample, "outcomes"))
    assert sum(isinstance(one, Invalid) for one in found) == rejected


def seed() -> dict[str, set[str]]:
    products = yaml.safe_load((ROOT / "emulator/iot/products.yml").read_text(encoding="utf-8"))["products"]
    return {one["key"]: {module["name"].lower() for module in one.get("modules", [])} for one in products}


def created() -> list[tuple[str, str, str]]:
    """Product, module and sample of everything that the samples create."""
    return [
        (outcome["ProductKey"], outcome["ModuleName"].lower(), named(sample))
        for sample in SAMPLES
        for outcome in beside(sample, "outcomes")
        if outcome["Status"] == "created"
    ]


def test_no_two_samples_create_the_same_module() -> None:
    """Nor one that is there from the start: so their order does not matter."""
    modules = Counter((product, module) for product, module, _ in created())
    assert [module for module, times in modules.items() if times > 1] == []
    assert [module for module in modules if module[1] in seed()[module[0]]] == []


def test_a_product_has_room_for_all_that_the_samples_create() -> None:
    rooms = Counter(product for product, _, _ in created())
    assert {product for product, number in rooms.items() if number + len(seed()[product]) > 10} == set()
