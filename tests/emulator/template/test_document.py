"""A Serverless Devs file on disk: a mistake is reported with file and line, and `extend` works as in the tool."""

from pathlib import Path

import pytest

from emulator.template.document import TemplateFile
from emulator.template.reader import load
from emulator.template.variables import TemplateError
from tests.support import vendor
from tests.support.paths import ROOT

TEMPLATE = ROOT / "template.yml"
ENVIRONMENTS = sorted((ROOT / "environments").glob("*.yml"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ":1: the file is empty"),
        ("vars: text\n", ":1: vars: must be a mapping"),
        ("a: 1\nvars: [\n", ":3: is not YAML: "),
        ("a: 1\n\tb: 2\n", ":2: is not YAML: found "),
        ("- 1\n", ":1: must be a mapping with the keys"),
        ("vars: {a: 1}\nresources: []\n", ":2: resources: must be a mapping"),
        ("vars:\n  a: 1\n  b: 2\n  a: 3\n", ":4: is not YAML: the key 'a' is there twice"),
        ("vars: !!python/name:os.system\n", ":1: is not YAML: could not determine a constructor"),
        ("vars: {a: 2024-13-45}\n", "is not YAML: month must be in 1..12"),
        ("extend: nowhere.yml\n", "nowhere.yml: No such file or directory"),
        ("extend: template.yml\n", "leads back to this file"),
        ("extend: [a.yml]\n", "extend: must be the name of a file (it is ['a.yml'])"),
        ("vars: {a: 1}\nresources:\n", ":2: resources: holds no function"),
        ("vars: {a: '${vars.a}'}\nresources: {q: {component: fc3, props: {x: '${vars.a}'}}}\n", "leads back to itself"),
        ("resources:\n  queue: text\n", ":2: resources.queue: must be a mapping"),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "template.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        load(path, environ={})
    assert problem in str(caught.value)
    assert "template.yml" in str(caught.value) or "nowhere.yml" in str(caught.value)


def test_a_file_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "template.yml").write_bytes("name: 中".encode("gb18030"))
    with pytest.raises(TemplateError, match="is not UTF-8"):
        TemplateFile(tmp_path / "template.yml")


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_extending_gives_what_the_tool_gives(path: Path) -> None:
    """Mappings are put over one another key by key, lists and values replace."""
    rendered = vendor.preview(path)
    assert rendered["resources"].keys() == TemplateFile(path).content["resources"].keys()
    functions = {function.name: function for function in load(path, environ={}).functions}
    for props in vendor.functions(rendered).values():
        function = functions[props["functionName"]]
        own = {name: value for name, value in props["environmentVariables"].items() if "${" not in value}
        assert own.items() <= function.variables.items()
        none = props.get("disableOndemand", False)
        assert function.instances == (0 if none else props["concurrencyConfig"]["reservedConcurrency"])


def test_a_fault_in_an_extending_file_is_reported_with_its_own_line(tmp_path: Path) -> None:
    text = f"extend: {TEMPLATE}\nresources:\n  http:\n    props: {{timeout: '60'}}\n"
    (tmp_path / "mine.yml").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"^mine\.yml:4: resources\.http\.props\.timeout: must be a whole number"):
        load(tmp_path / "mine.yml", environ={})
