"""The set-up of `make`: it repairs what was left half made, and does not follow pip's settings elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT


def make(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "-f", str(ROOT / "Makefile"), f"PYTHON={sys.executable}", *arguments]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_"))}
    environ = {**own, **environ}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False)


def test_a_half_made_environment_is_made_again(tmp_path: Path) -> None:
    """As Debian leaves it without python3-venv, and Ctrl-C anywhere: there is a Python, and no pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True, timeout=60)
    ended = make(tmp_path, ".venv/bin/python")
    assert ended.returncode == 0, ended.stderr
    assert "made again" in ended.stdout
    subprocess.run([tmp_path / ".venv/bin/python", "-m", "pip", "--version"], check=True, timeout=60)
    assert "made again" not in make(tmp_path, ".venv/bin/python").stdout


def test_a_python_without_venv_leaves_nothing_behind(tmp_path: Path) -> None:
    poor = tmp_path / "python"
    poor.write_text("#!/bin/sh\nmkdir -p .venv/bin && touch .venv/bin/python\nexit 1\n", encoding="utf-8")
    poor.chmod(0o755)
    ended = make(tmp_path, ".venv/bin/python", "PYTHON=./python")
    assert ended.returncode != 0
    assert "apt-get install python3-venv" in ended.stderr
    assert not (tmp_path / ".venv").exists()
    assert "apt-get install python3-venv" in make(tmp_path, ".venv/bin/python", "PYTHON=").stderr


def test_settings_of_pip_do_not_lead_elsewhere(tmp_path: Path) -> None:
    """Mirrors stay the user's own."""
    theirs = {"PIP_USER": "1", "PIP_NO_BINARY": ":all:", "PIP_TARGET": "/elsewhere", "PIP_INDEX_URL": "https://mirror"}
    shown = make(tmp_path, "--eval=show: ; @env", "show", **theirs).stdout.splitlines()
    expected = {"PIP_USER=0", "PIP_NO_BINARY=:none:", "PIP_INDEX_URL=https://mirror"}
    assert {line for line in shown if line.startswith("PIP_")} == expected


@pytest.mark.parametrize("how", [{"PIP_USER": "1"}, {"PIP_CONFIG_FILE": "pip.conf"}], ids=["variable", "pip.conf"])
def test_a_pip_that_installs_for_the_user_installs_into_the_environment(tmp_path: Path, how: dict[str, str]) -> None:
    """Else it refuses: what it would install could not be seen there."""
    (tmp_path / "pip.conf").write_text("[global]\nuser = true\n", encoding="utf-8")
    (tmp_path / "nothing.txt").touch()
    install = "--eval=install: ; @$(PIP) install --no-index -r nothing.txt"
    ended = make(tmp_path, f"BIN={Path(sys.executable).parent}", install, "install", **how)
    assert ended.returncode == 0, ended.stderr
