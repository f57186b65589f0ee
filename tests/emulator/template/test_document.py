"""A Serverless Devs file on disk: a mistake is reported with file and line."""

import re
from pathlib import Path

import pytest

from emulator.template.reader import load
from emulator.template.variables import TemplateError
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "mine.yml:1: the file is empty"),
        ("name: \udcd6\udcd0", "mine.yml: is not UTF-8"),
        ("a: 1\nvars: [\n", "mine.yml:3: is not YAML: "),
        ("- 1\n", "mine.yml:1: must be a mapping with the keys"),
        ("vars: {a: 1}\nresources: []\n", "mine.yml:2: resources: must be a mapping"),
        ("vars:\n  a: 1\n  b: 2\n  a: 3\n", "mine.yml:4: is not YAML: the key 'a' is there twice"),
        ("vars: !!python/name:os.system\n", "mine.yml:1: is not YAML: could not determine a constructor"),
        ("vars: {a: 2024-13-45}\n", "mine.yml: is not YAML: month must be in 1..12"),
        ("extend: nowhere.yml\n", "nowhere.yml: No such file or directory"),
        ("extend: mine.yml\n", "mine.yml: extend: mine.yml leads back to this file"),
        ("extend: [a.yml]\n", "mine.yml: extend: must be the name of a file (it is ['a.yml'])"),
        ("vars: {a: 1}\nresources:\n", "mine.yml:2: resources: holds no function"),
        (
            "vars: {a: '${vars.a}'}\nresources: {q: {component: fc3, props: {x: '${vars.a}'}}}\n",
            "mine.yml:2: resources.q: ${vars.a} leads back to itself",
        ),
        ("resources:\n  queue: text\n", "mine.yml:2: resources.queue: must be a mapping"),
        (
            "extend: TEMPLATE\nresources:\n  http:\n    props: {timeout: '60'}\n",
            "mine.yml:4: resources.http.props.timeout: must be a whole number",
        ),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "mine.yml"
    text = text.replace("TEMPLATE", str(ROOT / "template.yml"))
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(TemplateError, match=re.escape(problem)):
        load(path, environ={})
