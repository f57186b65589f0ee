"""The set-up of `make`: it repairs what was left half made, and does not follow pip's settings elsewhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def make(checkout: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PIP_"))}
    return subprocess.run(
        command, cwd=checkout, env=own | environ, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_half_made_environment_is_made_again(checkout: Path) -> None:
    """As Debian leaves it without python3-venv, and Ctrl-C anywhere: there is a Python, and no pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=checkout, check=True, timeout=60)
    ended = make(checkout, ".venv/bin/python")
    assert ended.returncode == 0, ended.stderr
    assert "made again" in ended.stdout
    subprocess.run([checkout / ".venv/bin/python", "-m", "pip", "--version"], check=True, timeout=60)
    assert "made again" not in make(checkout, ".venv/bin/python").stdout


def test_a_python_without_venv_leaves_nothing_behind(checkout: Path) -> None:
    poor = checkout / "python"
    poor.write_text("#!/bin/sh\nmkdir -p .venv/bin && touch .venv/bin/python\nexit 1\n", encoding="utf-8")
    poor.chmod(0o755)
    ended = make(checkout, ".venv/bin/python", "PYTHON=./python")
    assert ended.returncode != 0
    assert "apt-get install python3-venv" in ended.stderr
    assert not (checkout / ".venv").exists()
    assert "apt-get install python3-venv" in make(checkout, ".venv/bin/python", "PYTHON=").stderr


def test_settings_of_pip_do_not_lead_elsewhere(checkout: Path) -> None:
    """Mirrors stay the user's own."""
    mirror = "https://mirror.example"
    theirs = {"PIP_USER": "1", "PIP_NO_BINARY": ":all:", "PIP_TARGET": "/elsewhere", "PIP_INDEX_URL": mirror}
    ended = make(checkout, "--eval=show: ; @env", "show", **theirs)
    shown = {line for line in ended.stdout.splitlines() if line.startswith("PIP_")}
    assert shown == {"PIP_USER=0", "PIP_NO_BINARY=:none:", f"PIP_INDEX_URL={mirror}"}


@pytest.mark.parametrize("how", [{"PIP_USER": "1"}, {"PIP_CONFIG_FILE": "pip.conf"}], ids=["variable", "pip.conf"])
def test_a_pip_that_installs_for_the_user_installs_into_the_environment(checkout: Path, how: dict[str, str]) -> None:
    """Else it refuses: what it would install could not be seen there."""
    (checkout / "pip.conf").write_text("[global]\nuser = true\n", encoding="utf-8")
    (checkout / "nothing.txt").touch()
    install = "--eval=install: ; @$(PIP) install --no-index -r nothing.txt"
    ended = make(checkout, f"BIN={Path(sys.executable).parent}", install, "install", **how)
    assert ended.returncode == 0, ended.stderr
