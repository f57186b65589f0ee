"""Fetches the wheels that the function needs, and unpacks them.

Wheels are pinned with hashes and only unpacked, never built or installed: no compiler, no container, nothing of the machine
gets in.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from deploy.pruning import prune


def wheels(version: str, requirements: Path, cache: Path) -> Path:
    """Return the folder of the wheels that `requirements` pins, for a Python version; download what is not there yet."""
    pins = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = cache / f"python{version}-{pins}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            download(version, requirements, Path(scratch) / "wheels")
            move(Path(scratch) / "wheels", folder)
    return folder


def move(source: Path, folder: Path) -> None:
    """Put a finished folder in its place, unless somebody else was faster."""
    try:
        source.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def download(version: str, requirements: Path, folder: Path) -> None:
    """Let pip fetch wheels for a Python other than its own; it refuses a file whose hash is not pinned."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    target = ["--only-binary=:all:", "--implementation=cp", "--platform=manylinux2014_x86_64"]
    pinned = ["--require-hashes", f"--python-version={version}", f"--requirement={requirements}", f"--dest={folder}"]
    subprocess.run([*pip, *target, *pinned], check=True)  # noqa: S603 - nothing in it comes from outside


def unpacked(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Read the files that the function needs from all wheels of a folder."""
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                content = prune(name, archive.read(name))
                if content is not None:
                    yield name, content
