"""What manifests mean, and what is wrong in them: checked whole before anything is sent."""

from pathlib import Path

import pytest

from cli.commands.validate import summarize
from cli.manifests.manifest import Manifest, load

GRID = "products: [a1]\nmodules: [mcu, lidar]\noverrides:\n- {{ModuleName: lidar, Skip: {}}}\n"
YAML = "products:\n  - a1\n  - {ProductKey: a2}\nmodules:\n  - mcu\n"
JSON = '{\n"products": ["a1", {"ProductKey": "a2"}],\n "modules": ["mcu"]}'
TWO = ["a1/mcu", "a2/mcu"]
VALID = {
    "yaml": ("f.yml", YAML, TWO),
    "json": ("f.json", JSON, TWO),
    "yaml by its text": ("f", "# two\n" + YAML, TWO),
    "json by its text": ("f", JSON, TWO),
    "a list of yaml": ("f", "- {ProductKey: a1, ModuleName: mcu}\n", ["a1/mcu"]),
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
        "- {ProductKey: a1, ModuleName: mcu}\n- {ProductKey: a1, ModuleName: mcu, IotInstanceId: iot-1}\n",
        ["a1/mcu", "a1/mcu"],
    ),
}
PARTS = "expected defaults, products, modules, overrides, requests"
FAULTS = {
    "every fault of a request": (
        "f.yml",
        "- {ProductKey: a b, ModuleName: default}\n- {ProductKey: a1, ModuleName: a b}\n- mcu\n",
        ["f.yml:1: ModuleName: ", "f.yml:1: ProductKey: ", "f.yml:2: ModuleName: ", "f.yml:3: must be an object with the"],
    ),
    "a path in json": ("f.json", '{"products": ["a1"], "modules": ["a b"]}', ["f.json: modules[0]: ModuleName: "]),
    "a path in an array": ("f.json", '[{"ProductKey": "a1", "ModuleName": 1.0}]', ["f.json: [0]: ModuleName: "]),
    "a line in jsonl": ("f.jsonl", '\n{"ProductKey": "a1", "ModuleName": "a b"}\n', ["f.jsonl:2: ModuleName: "]),
    "once for all products": ("f.yml", "products: [a1, a2]\nmodules:\n- mcu\n- a b\n", ["f.yml:4: ModuleName: "]),
    "an override's line": (
        "f.yml", "products: [a1]\nmodules: [mcu]\noverrides:\n- {ModuleName: mcu, AliasName: a b}\n", ["f.yml:4: AliasName: "],
    ),
    "the same but for case": (
        "f.yml",
        "- {ProductKey: a1, ModuleName: mcu, AliasName: a b}\n- {ProductKey: a1, ModuleName: MCU}\n",
        ["f.yml:1: AliasName: ", "f.yml:2: ModuleName: a1/MCU: the same module as f.yml:1"],
    ),
    "an id twice": (
        "f.yml",
        "- {ProductKey: a1, ModuleName: m1, Id: x}\n- {ProductKey: a1, ModuleName: m2, Id: x}\n",
        ["f.yml:2: Id: the same Id as f.yml:1"],
    ),
    "set by the function": ("f.yml", "- {ProductKey: a1, ModuleName: m, Tried: true}\n", ["f.yml:1: Tried: is set by"]),
    "half a grid": ("f.yml", "products: [a1]\n", ["f.yml:1: products and modules go together"]),
    "no match": (
        "f.yml", "products: [a1]\nmodules: [m]\noverrides: [{ModuleName: n, Desc: x}]\n", ["f.yml:3: this override matches no"],
    ),
    "no name": ("f.yml", "products: [[a1]]\nmodules: [mcu]\n", ["f.yml:1: products: must be a name or an object"]),
    "defaults": ("f.yml", "defaults: keep\nrequests: []\n", ["f.yml:1: defaults: must be an object"]),
    "an unknown part": (
        "f.yml", "products: [a]\nmodule: [b]\n", [f"f.yml:2: unknown key 'module'; {PARTS} (did you mean 'modules'?)"],
    ),
    "another spelling": (
        "f.yml",
        "- {productKey: a1, ModuleName: m, OnExistng: x}\n",
        ["f.yml:1: OnExistng: is not a field of a request (did you mean OnExisting?)", "f.yml:1: ProductKey: is required",
         "f.yml:1: productKey: is not a field of a request (did you mean ProductKey?)"],
    ),
    **{
        f"skip is {value}": ("f.yml", GRID.format(value), ["f.yml:4: Skip: should be true or false, without quotes (it is "])
        for value in ("'true'", "y", "1", "'on'", "null", "no way")
    },
    "not yaml": ("f.yml", "- {ModuleName: mcu\n", ["f.yml:2: is not YAML"]),
    "a name twice in yaml": ("f.yml", "- ModuleName: a\n  ModuleName: b\n", ["f.yml:2: names 'ModuleName' twice"]),
    "an object of python": ("f.yml", "- !!python/object:os.system {}\n", ["f.yml:1: is not YAML"]),
    "not json": ("f.json", '[\n{"a": 1,}\n]', ["f.json:2: is not JSON"]),
    "a name twice in json": ("f.json", '{"a": 1, "a": 2}', ["f.json:1: is not JSON: names 'a' twice"]),
    "no number": ("f.json", '[{"a": NaN}]', ["f.json:1: is not JSON: NaN is no JSON value"]),
    "too deep": ("f.json", "[" * 100_000, ["f.json:1: is not JSON"]),
    "not jsonl": ("f.jsonl", '{"ProductKey": "a"}\n{"a"\n', ["f.jsonl:1: ModuleName: is required", "f.jsonl:2: is not JSON"]),
    "an unknown column": (
        "f.csv", "产品,Desk\n" + "a1,x\n" * 500,
        ["f.csv:1: the column 'Desk' is not a field of a request (did you mean 'Desc'?); there is no column ModuleName"],
    ),
    "a column twice": ("f.csv", "ProductKey,product_key,ModuleName\n1,2,3\n", ["f.csv:1: the column ProductKey is there twice"]),
    "no heading": ("f.csv", "ProductKey,ModuleName\na1,m\na1,m,x\n", ["f.csv:3: cell 3 ('x') has no heading above it"]),
    "not csv": ("f.csv", 'ProductKey,ModuleName\n"a1,m\n', ["f.csv:2: is not CSV"]),
}  # fmt: skip


def given(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> Manifest:
    monkeypatch.chdir(folder)
    Path(name).write_text(text, encoding="utf-8")
    return load([name])


@pytest.mark.parametrize("case", VALID)
def test_a_manifest_means_its_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """In whatever format they are."""
    name, text, wanted = VALID[case]
    manifest = given(tmp_path, name, text, monkeypatch)
    assert manifest.faults == ()
    assert [f"{entry.request.ProductKey}/{entry.request.ModuleName}" for entry in manifest.entries] == wanted


@pytest.mark.parametrize("case", FAULTS)
def test_every_fault_has_its_place_its_field_and_its_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """All of them at once; which of two equal names was meant, nobody knows."""
    name, text, wanted = FAULTS[case]
    faults = [str(fault) for fault in given(tmp_path, name, text, monkeypatch).faults]
    assert [fault[: len(start)] for fault, start in zip(faults, wanted, strict=True)] == wanted


def test_an_eleventh_module_of_a_product_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten pass."""
    text = "".join(f"- {{ProductKey: a1, ModuleName: m{number}}}\n" for number in range(12))
    manifest = given(tmp_path, "f.yml", text, monkeypatch)
    assert len(manifest.entries) == 10
    rule = "ModuleName: a1 would get more than 10 modules"
    assert [str(fault) for fault in manifest.faults] == [f"f.yml:{line}: {rule}" for line in (11, 12)]


def test_the_nearer_a_field_stands_the_more_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults, module, product, override."""
    text = """\
defaults: {OnExisting: keep, Desc: default, CorrelationId: default, AliasName: default}
products: [{ProductKey: a1, Desc: product, AliasName: product}]
modules: [{ModuleName: mcu, Desc: module, CorrelationId: module}]
overrides: [{ModuleName: mcu, AliasName: override}]
"""
    [entry] = given(tmp_path, "f.yml", text, monkeypatch).entries
    request = entry.request
    assert (request.OnExisting, request.CorrelationId, request.Desc, request.AliasName) == (
        "keep", "module", "product", "override",
    )  # fmt: skip


def test_several_manifests_are_checked_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A duplicate may stand in another file."""
    for name in ("one.json", "two.json"):
        given(tmp_path, name, '{"ProductKey": "a1", "ModuleName": "mcu"}', monkeypatch)
    [fault] = load(["one.json", "two.json"]).faults
    assert "one.json:1" in fault.rule


def test_faults_of_one_kind_are_one_line_with_a_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven thousand wrong rows do not scroll the first one away."""
    text = "ProductKey,ModuleName\n" + "".join(f"a{row},a b\n" for row in range(3000))
    [line] = summarize(given(tmp_path, "f.csv", text, monkeypatch).faults)
    assert "and 2999 more of the same kind, the last at " in line


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text", [BOMB, f"products: [a1]\nx-all:\n  {BOMB.replace(chr(10), chr(10) + '  ')}\nmodules: [*i]\n"]
)
def test_what_aliases_multiply_is_shown_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Three hundred bytes mean a thousand million texts; writing them all would never end."""
    assert given(tmp_path, "f.yml", text, monkeypatch).faults


def test_each_line_that_is_no_json_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines between are read."""
    text = '{\n{"ProductKey": "a1", "ModuleName": "mcu"}\n}\n'
    manifest = given(tmp_path, "f.jsonl", text, monkeypatch)
    assert [fault.place.line for fault in manifest.faults] == [1, 3]
    assert [entry.request.ModuleName for entry in manifest.entries] == ["mcu"]
