"""Finds the Python versions that this machine has."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_INSTALLED = (".pyenv/versions/{version}.*/bin/python", ".local/share/uv/python/cpython-{version}.*/bin/python")


def candidates(version: str) -> Iterator[str]:
    """List where a version such as `3.10` may be; what is on PATH may be a shim that does not work."""
    if version == "{}.{}".format(*sys.version_info):
        yield sys.executable
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    for pattern in _INSTALLED:
        yield from sorted(str(path) for path in Path.home().glob(pattern.format(version=version)))


def works(path: str, version: str) -> bool:
    """Tell whether an interpreter starts, and is CPython of the version that it should be."""
    asked = "import platform; print(platform.python_implementation(), '.'.join(platform.python_version_tuple()[:2]))"
    run = subprocess.run([path, "-I", "-c", asked], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - found, not given
    return run.returncode == 0 and run.stdout.split() == ["CPython", version]


@cache
def find(version: str) -> str | None:
    """Return a working interpreter of a version such as `3.10`, or None."""
    return next((path for path in candidates(version) if works(path, version)), None)
