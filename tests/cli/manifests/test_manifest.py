"""What manifests mean, and what is wrong in them: checked whole before anything is sent."""

from typing import Any

import pytest

from cli.commands.validate import summarize
from cli.manifests.manifest import load

GRID = "products: [a1]\nmodules: [mcu, lidar]\noverrides:\n- {{ModuleName: lidar, Skip: {}}}\n"
YAML = "products:\n  - a1\n  - {ProductKey: a2}\nmodules:\n  - mcu\n"
JSON = '{\n"products": ["a1", {"ProductKey": "a2"}],\n "modules": ["mcu"]}'
MCU = "{ProductKey: a1, ModuleName: mcu}"
TWO = ["a1/mcu", "a2/mcu"]
VALID = {
    "yaml": ("f.yml", YAML, TWO),
    "json": ("f.json", JSON, TWO),
    "yaml by its text": ("f", "# two\n" + YAML, TWO),
    "json by its text": ("f", JSON, TWO),
    "a list of yaml": ("f", f"- {MCU}\n", ["a1/mcu"]),
    "an array of json": ("f", '[{"ProductKey": "a1", "ModuleName": "mcu"}]', ["a1/mcu"]),
    "csv by its text": ("f", 'ProductKey,ModuleName,Desc\na1,"mcu",\n', ["a1/mcu"]),
    "an object is one request": ("f.json", '{"ProductKey": "a1", "ModuleName": "mcu"}', ["a1/mcu"]),
    "the ending counts more than the text": ("f.YML", "[]", []),
    "nothing in yaml": ("f.yml", "", []),
    "nothing in jsonl": ("f.jsonl", "", []),
    "nothing in csv": ("f.csv", "", []),
    "skipped": ("f.yml", GRID.format("true"), ["a1/mcu"]),
    "skipped by yes": ("f.yml", GRID.format("yes"), ["a1/mcu"]),
    "not skipped": ("f.yml", GRID.format("Off"), ["a1/mcu", "a1/lidar"]),
    "another instance is another module": (
        "f.yml",
        f"- {MCU}\n- {MCU[:-1]}, IotInstanceId: iot-1}}\n",
        ["a1/mcu", "a1/mcu"],
    ),
}
PARTS = "expected defaults, products, modules, overrides, requests"
FAULTS = {
    "every fault of a request": (
        "yml", "- {ProductKey: a b, ModuleName: default}\n- {ProductKey: a1, ModuleName: a b}\n- mcu\n",
        ["1: ModuleName: ", "1: ProductKey: ", "2: ModuleName: ", "3: must be an object with the"],
    ),
    "a path in json": ("json", '{"products": ["a1"], "modules": ["a b"]}', [" modules[0]: ModuleName: "]),
    "a path in an array": ("json", '[{"ProductKey": "a1", "ModuleName": 1.0}]', [" [0]: ModuleName: "]),
    "a line in jsonl": ("jsonl", '\n{"ProductKey": "a1", "ModuleName": "a b"}\n', ["2: ModuleName: "]),
    "once for all products": ("yml", "products: [a1, a2]\nmodules:\n- mcu\n- a b\n", ["4: ModuleName: "]),
    "an override's line": (
        "yml", "products: [a1]\nmodules: [mcu]\noverrides:\n- {ModuleName: mcu, AliasName: a b}\n", ["4: AliasName: "],
    ),
    "the same but for case": (
        "yml", "- {ProductKey: a1, ModuleName: mcu, AliasName: a b}\n- {ProductKey: a1, ModuleName: MCU}\n",
        ["1: AliasName: ", "2: ModuleName: a1/MCU: the same module as f.yml:1"],
    ),
    "an id twice": (
        "yml", "- {ProductKey: a1, ModuleName: m, Id: x}\n- {ProductKey: a2, ModuleName: m, Id: x}\n",
        ["2: Id: the same Id as f.yml:1"],
    ),
    "set by the function": ("yml", "- {ProductKey: a1, ModuleName: m, Tried: true}\n", ["1: Tried: is set by"]),
    "half a grid": ("yml", "products: [a1]\n", ["1: products and modules go together"]),
    "no grid": ("yml", "products:\nmodules: [m]\n", ["1: products: must be a name or an object (it is null)"]),
    "no match": ("yml", "products: [a]\nmodules: [m]\noverrides: [{ModuleName: n, Desc: x}]\n", ["3: this override matches no"]),
    "no names": (
        "yml", "products: [a]\nmodules: [m]\noverrides: [{Desc: x}]\n",
        ["3: this override matches no request of the manifest (it names neither"],
    ),
    "no name": ("yml", "products: [[a1]]\nmodules: [mcu]\n", ["1: products: must be a name or an object"]),
    "defaults": ("yml", "defaults: keep\nrequests: []\n", ["1: defaults: must be an object"]),
    "an unknown part": ("yml", "products: [a]\nmodule: [b]\n", [f"2: unknown key 'module'; {PARTS} (did you mean 'modules'?)"]),
    "another spelling": (
        "yml", "- {productKey: a1, ModuleName: m, OnExistng: x}\n",
        ["1: OnExistng: is not a field of a request (did you mean OnExisting?)", "1: ProductKey: is required",
         "1: productKey: is not a field of a request (did you mean ProductKey?)"],
    ),
    **{
        f"skip is {value}": ("yml", GRID.format(value), ["4: Skip: should be true or false, without quotes (it is "])
        for value in ("'true'", "y", "1", "'on'", "null", "no way")
    },
    "a date that cannot be": ("yml", "requests:\n- Desc: 2024-13-45\n", ["2: '2024-13-45' is read as a date, which cannot be"]),
    "a number that cannot be": ("yml", f"- Desc: {'9' * 5000}", [f"1: '{'9' * 64}…' is read as a number, which cannot be"]),
    "not yaml": ("yml", "- {ModuleName: mcu\n", ["2: is not YAML"]),
    "a name twice in yaml": ("yml", "- ModuleName: a\n  ModuleName: b\n", ["2: names 'ModuleName' twice"]),
    "an object of python": ("yml", "- !!python/object:os.system {}\n", ["1: is not YAML"]),
    "not json": ("json", '[\n{"a": 1,}\n]', ["2: is not JSON"]),
    "a name twice in json": ("json", '{"a": 1, "a": 2}', ["1: is not JSON: names 'a' twice"]),
    "no number": ("json", '[{"a": NaN}]', ["1: is not JSON: NaN is no JSON value"]),
    "too deep": ("json", "[" * 100_000, ["1: is not JSON"]),
    "not jsonl": ("jsonl", '{\n{"ProductKey": "a1"}\n{"a"\n', ["1: is not JSON", "2: ModuleName: is required", "3: is not JSON"]),
    "an unknown column": (
        "csv", "产品,Desk\n" + "a1,x\n" * 500,
        ["1: the column 'Desk' is not a field of a request (did you mean 'Desc'?); there is no column ModuleName"],
    ),
    "a column twice": ("csv", "ProductKey,product_key,ModuleName\n1,2,3\n", ["1: the column ProductKey is there twice"]),
    "no heading": ("csv", "ProductKey,ModuleName\na1,m\na1,m,x\n", ["3: cell 3 ('x') has no heading above it"]),
    "not csv": ("csv", 'ProductKey,ModuleName\n"a1,m\n', ["2: is not CSV"]),
}  # fmt: skip
"""What stands in files of each ending, and how their faults begin, after the file's name."""


@pytest.mark.parametrize(("name", "text", "requests"), VALID.values(), ids=VALID)
def test_a_manifest_means_its_requests(loaded: Any, name: str, text: str, requests: list[str]) -> None:
    manifest = loaded(name, text)
    assert manifest.faults == ()
    assert [f"{entry.request.ProductKey}/{entry.request.ModuleName}" for entry in manifest.entries] == requests


@pytest.mark.parametrize(("ending", "text", "faults"), FAULTS.values(), ids=FAULTS)
def test_every_fault_has_its_place_its_field_and_its_rule(
    loaded: Any, ending: str, text: str, faults: list[str]
) -> None:
    """All of them at once; which of two equal names was meant, nobody knows."""
    shown = [str(fault).removeprefix(f"f.{ending}:") for fault in loaded(f"f.{ending}", text).faults]
    assert [fault[: len(start)] for fault, start in zip(shown, faults, strict=True)] == faults


def test_an_eleventh_module_of_a_product_is_a_fault(loaded: Any) -> None:
    manifest = loaded("f.yml", "".join(f"- {{ProductKey: a1, ModuleName: m{number}}}\n" for number in range(12)))
    assert len(manifest.entries) == 10
    rule = "ModuleName: a1 would get more than 10 modules"
    assert [str(fault) for fault in manifest.faults] == [f"f.yml:{line}: {rule}" for line in (11, 12)]


def test_the_nearer_a_field_stands_the_more_it_counts(loaded: Any) -> None:
    """Defaults, module, product, override."""
    text = """\
defaults: {OnExisting: keep, Desc: default, CorrelationId: default, AliasName: default}
products: [{ProductKey: a1, Desc: product, AliasName: product}]
modules: [{ModuleName: mcu, Desc: module, CorrelationId: module}]
overrides: [{ModuleName: mcu, AliasName: override}]
"""
    [entry] = loaded("f.yml", text).entries
    fields = [getattr(entry.request, name) for name in ("OnExisting", "CorrelationId", "Desc", "AliasName")]
    assert fields == ["keep", "module", "product", "override"]


def test_nothing_is_no_text(loaded: Any) -> None:
    """A lone equals sign is one."""
    [entry] = loaded("f.yml", "- {ProductKey: a1, ModuleName: mcu, AliasName: ~, Desc: =}\n").entries
    assert (entry.request.AliasName, entry.request.Desc) == (None, "=")


def test_several_manifests_are_checked_together(loaded: Any) -> None:
    """A duplicate may stand in another file."""
    for name in ("one.json", "two.json"):
        loaded(name, '{"ProductKey": "a1", "ModuleName": "mcu"}')
    [fault] = load(["one.json", "two.json"]).faults
    assert "one.json:1" in fault.rule


def test_faults_of_one_kind_are_one_line_with_a_count(loaded: Any) -> None:
    """Seven thousand wrong rows do not scroll the first one away."""
    text = "ProductKey,ModuleName\n" + "".join(f"a{row},a b\n" for row in range(3000))
    [line] = summarize(loaded("f.csv", text).faults)
    assert "and 2999 more of the same kind, the last at " in line


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text", [BOMB, f"products: [a1]\nx-all:\n  {BOMB.replace(chr(10), chr(10) + '  ')}\nmodules: [*i]\n"]
)
def test_what_aliases_multiply_is_shown_in_part(loaded: Any, text: str) -> None:
    """Three hundred bytes mean a thousand million texts; writing them all would never end."""
    assert loaded("f.yml", text).faults
