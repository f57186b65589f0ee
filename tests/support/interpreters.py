"""Where other versions of Python are on this machine."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest


def candidates(version: str) -> Iterator[str]:
    """Where a version may be; what is on PATH may be a shim that does not work."""
    found = shutil.which(f"python{version}")
    if found:
        yield found
    for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")):
        yield str(path)


def works(path: str, version: str) -> bool:
    """Whether an interpreter starts, and is the version that it should be."""
    command = [path, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return run.returncode == 0 and run.stdout.strip() == version


@cache
def find(version: str) -> str | None:
    """A working interpreter of a version such as `3.10`."""
    return next((path for path in candidates(version) if works(path, version)), None)


def interpreter(version: str) -> str:
    """A working interpreter of a version; the test is skipped where there is none."""
    path = find(version)
    if path is None:
        pytest.skip(f"no Python {version} on this machine")
    return path
