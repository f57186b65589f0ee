"""`ota-modules validate` and `init`: offline, for people, for CI and for pre-commit."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from cli.commands.validate import SCHEMA
from cli.main import app
from tests.support.paths import ROOT

RULES = json.loads(SCHEMA.read_text(encoding="utf-8"))
SOUND = "products: [a1]\nmodules: [mcu]\n"
WRONG = "- {ProductKey: a1, ModuleName: a b}\n- {ProductKey: a1, ModuleName: default}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a valid and an invalid manifest, and an environment with no cloud in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTA_TEMPLATE", str(tmp_path / "there-is-none.yml"))
    Path("sound.yml").write_text(SOUND, encoding="utf-8")
    Path("wrong.yml").write_text(WRONG, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_a_valid_manifest_passes_without_any_cloud() -> None:
    """It needs neither keys nor a template."""
    status, out, err = run("validate", "sound.yml")
    assert (status, out) == (0, "")
    assert "1 valid request" in err


def test_every_fault_is_told_and_the_status_is_two() -> None:
    """With file, line and field; a manifest that asks for nothing is one."""
    status, out, err = run("validate", "wrong.yml", "sound.yml")
    assert (status, "2 faults" in err) == (2, True)
    assert [line.split(": ")[:2] for line in out.splitlines()] == [
        [f"wrong.yml:{line}", "ModuleName"] for line in (1, 2)
    ]
    Path("empty.yml").write_text("", encoding="utf-8")
    assert run("validate", "empty.yml")[0] == 2


def test_github_shows_each_fault_at_its_line() -> None:
    """As a workflow command, in which nothing of the file can begin another one."""
    Path("odd.yml").write_text('- {ProductKey: a1, ModuleName: "a%\\n::stop"}\n', encoding="utf-8")
    status, out, _ = run("validate", "--format", "github", "wrong.yml", "odd.yml")
    assert status == 2
    assert len(out.splitlines()) == 3
    assert all(re.match(r"::error file=(wrong|odd)\.yml,line=[12]::ModuleName: ", line) for line in out.splitlines())


def test_json_has_a_record_for_each_fault() -> None:
    """And one for the error; nothing else stands on standard output."""
    _, out, _ = run("validate", "--json", "wrong.yml")
    *records, error = (json.loads(line) for line in out.splitlines())
    assert error == {"Error": "2 faults", "ExitStatus": 2}
    assert [(each["File"], each["Line"], each["Field"]) for each in records] == [
        ("wrong.yml", line, "ModuleName") for line in (1, 2)
    ]


def test_a_new_manifest_is_valid_for_the_command_and_for_editors() -> None:
    """It names the schema that it keeps, and is not overwritten unless that is asked for."""
    assert run("init", "mine.yml")[0] == 0
    text = Path("mine.yml").read_text(encoding="utf-8")
    assert f"$schema={SCHEMA}" in text
    assert run("validate", "mine.yml")[0] == 0
    jsonschema.validate(yaml.safe_load(text), RULES)
    assert run("init", "mine.yml")[0] == 1
    assert run("init", "--force", "mine.yml")[0] == 0


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
def test_the_schema_refuses_what_the_command_refuses(text: str) -> None:
    """An editor underlines it already."""
    Path("m.yml").write_text(text, encoding="utf-8")
    assert run("validate", "m.yml")[0] == 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), RULES)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("fleet*")), ids=lambda path: path.name)
def test_the_examples_are_valid(path: Path) -> None:
    """For the command, and for the schema where they are YAML."""
    assert run("validate", str(path))[0] == 0
    if path.suffix == ".yml":
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), RULES)


def test_the_hook_of_pre_commit_runs_the_command() -> None:
    """With the files that it is given."""
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["entry"] == "ota-modules validate"
    assert re.search(hook["files"], "ota/fleet.yml")
    assert not re.search(hook["files"], "template.yml")
