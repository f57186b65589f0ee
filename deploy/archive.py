"""Writes zips that depend on nothing but the names and contents of their files."""

import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest a zip can say
REGULAR_FILE = 0o100644
UNIX = 3

Files = Mapping[str, bytes]
"""Contents by name, as they lie in the zip."""


@dataclass(frozen=True)
class Package:
    """A zip that was written."""

    path: Path
    files: int
    size: int
    sha256: str
    contents: str

    def __str__(self) -> str:
        head = f"{self.path}: {self.files} files, {self.size:,} bytes"
        return f"{head}\n  zip sha256 {self.sha256}\n  contents   {self.contents}"


def digest(files: Files) -> str:
    """Return a SHA-256 of all names and contents, whatever their order."""
    together = hashlib.sha256()
    for name in sorted(files):
        together.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return together.hexdigest()


def write(files: Files, path: Path) -> Package:
    """Write a zip: sorted, with one date and one mode. The same zlib gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, REGULAR_FILE << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    data = path.read_bytes()
    return Package(path, len(files), len(data), hashlib.sha256(data).hexdigest(), digest(files))


def lay_out(package: Path, folder: Path) -> None:
    """Unpack a zip into a folder that then holds nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
