"""`ota-modules validate` and `init`: offline, for people, for CI and for pre-commit."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cli.commands.validate import SCHEMA
from tests.support.paths import ROOT

RULES = json.loads(SCHEMA.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any) -> None:
    """A folder with a valid and an invalid manifest, and an environment with no cloud in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTA_TEMPLATE", str(tmp_path / "there-is-none.yml"))
    write("valid.yml", "products: [a1]\nmodules: [mcu]\n")
    write("wrong.yml", "- {ProductKey: a1, ModuleName: a b}\n- {ProductKey: a1, ModuleName: default}\n")


def test_a_valid_manifest_passes_without_any_cloud(ota_modules: Any) -> None:
    """It needs neither keys nor a template."""
    ended = ota_modules("validate", "valid.yml")
    assert (ended.status, ended.out, "1 valid request" in ended.err) == (0, "", True)


def test_every_fault_is_shown_and_the_status_is_two(ota_modules: Any, write: Any) -> None:
    """With file, line and field; a manifest that asks for nothing is one."""
    ended = ota_modules("validate", "wrong.yml", "valid.yml")
    assert (ended.status, "2 faults" in ended.err) == (2, True)
    places = [("wrong.yml", 1, "ModuleName"), ("wrong.yml", 2, "ModuleName")]
    assert [line.split(": ")[:2] for line in ended.out.splitlines()] == [
        [f"{file}:{n}", name] for file, n, name in places
    ]
    *faults, error = ota_modules("validate", "--json", "wrong.yml").records
    assert [(fault["File"], fault["Line"], fault["Field"]) for fault in faults] == places
    assert error == {"Error": "2 faults", "ExitStatus": 2}
    assert ota_modules("validate", write("empty.yml", "")).status == 2


def test_github_shows_each_fault_at_its_line(ota_modules: Any, write: Any) -> None:
    """As a workflow command, in which nothing of the file can begin another one."""
    write("odd.yml", '- {ProductKey: a1, ModuleName: "a%\\n::stop"}\n')
    ended = ota_modules("validate", "--format", "github", "wrong.yml", "odd.yml")
    assert (ended.status, len(ended.out.splitlines())) == (2, 3)
    command = r"::error file=(wrong|odd)\.yml,line=[12]::ModuleName: "
    assert all(re.match(command, line) for line in ended.out.splitlines())


def test_a_new_manifest_is_valid_for_the_command_and_for_editors(ota_modules: Any) -> None:
    """It names the schema that it keeps, and is not overwritten unless that is asked for."""
    assert ota_modules("init", "mine.yml", "--json").records == [{"Wrote": "mine.yml"}]
    text = Path("mine.yml").read_text(encoding="utf-8")
    assert f"$schema={SCHEMA}" in text
    jsonschema.validate(yaml.safe_load(text), RULES)
    assert ota_modules("validate", "mine.yml").status == 0
    assert [ota_modules("init", *force, "mine.yml").status for force in ([], ["--force"])] == [1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "product: [a1]\nmodules: [mcu]\n",
        "products: [a1]\n",
        "products: [a1]\nmodules: [default]\n",
        "products: [a1]\nmodules: [mcu]\noverrides: [{ModuleName: mcu, Skip: 'true'}]\n",
        "- {ProductKey: a1, ModuleName: mcu, Attempt: 2}\n",
        "- {ProductKey: a1, moduleName: mcu}\n",
        "defaults: keep\nrequests: []\n",
    ],
)
def test_the_schema_refuses_what_the_command_refuses(ota_modules: Any, write: Any, text: str) -> None:
    """An editor underlines it already."""
    assert ota_modules("validate", write("m.yml", text)).status == 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), RULES)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("fleet*")), ids=lambda path: path.name)
def test_the_examples_are_valid(ota_modules: Any, path: Path) -> None:
    """For the command, and for the schema where they are YAML."""
    assert ota_modules("validate", str(path)).status == 0
    if path.suffix == ".yml":
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), RULES)


def test_the_hook_of_pre_commit_runs_the_command() -> None:
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"] == "ota-modules validate"
    assert [bool(re.search(hook["files"], name)) for name in ("ota/fleet.yml", "template.yml")] == [True, False]
