"""The commands of the documentation, typed one after another as a newcomer would, against a local cloud."""

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.docs.pages import ENGLISH, README, Page
from tests.support.command import command, endpoints, environment
from tests.support.paths import ROOT

COMMANDS = [
    line
    for path in ENGLISH
    for line in Page.read(path).commands
    if line.startswith("ota-modules ") and "<" not in line and not line.startswith("ota-modules run")
    if "--profile" not in line  # it leads to an account
]


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCloud]:
    """As `make run` has it."""
    with local_cloud(Options(port=0)) as running:
        yield running


@pytest.fixture(scope="module")
def desk(local: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, str]]:
    """A folder with the front page's manifest in it, and an environment that leads to the local cloud."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "fleet.yml").write_text(README.code("yaml")[0], encoding="utf-8")
    return folder, environment(**endpoints(local), XDG_STATE_HOME=str(folder), PYTHONPATH=str(ROOT))


@pytest.mark.parametrize("shown", dict.fromkeys(COMMANDS))
def test_a_command_that_is_shown_succeeds(shown: str, desk: tuple[Path, Mapping[str, str]]) -> None:
    folder, environ = desk
    words = command(*shlex.split(shown.partition("   ")[0])[1:])
    ended = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_call_that_is_shown_is_answered_with_what_is_shown(local: LocalCloud) -> None:
    words = shlex.split(next(command for command in README.commands if command.startswith("curl")))
    url, body = f"{local.urls.fc}/{words[2].split('/', 3)[3]}", words[words.index("-d") + 1]
    answer = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, trust_env=False, timeout=60)
    assert answer.status_code == 201
    assert json.loads(README.code("json")[0]).items() <= answer.json().items()
