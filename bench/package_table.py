"""The packages that are deployed: their size, and where the start and the memory tables run them from."""

import shutil
import zipfile
from functools import cache
from pathlib import Path

from bench.table import Table, met
from deploy.archive import Package, lay_out, write
from deploy.package import RUNTIMES, collect
from tests.support.paths import ROOT

LARGEST = 4.8
"""MB."""


@cache
def built(runtime: str) -> Package:
    """Build the package of a runtime, once a run."""
    return write(collect(runtime), ROOT / "build" / "bench" / f"{runtime}.zip")


@cache
def unpacked(runtime: str) -> Path:
    """Unpack the package of a runtime, as an instance has it."""
    folder = ROOT / "build" / "bench" / runtime
    lay_out(built(runtime).path, folder)
    return folder


@cache
def without_bytecode(folder: Path) -> Path:
    """Copy a folder, without the bytecode in it."""
    copy = ROOT / "build" / "bench" / "sources" / folder.relative_to(ROOT / "build" / "bench")
    shutil.rmtree(copy, ignore_errors=True)
    return Path(shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__")))


def package() -> Table:
    """Measure the zips, and what is in them."""
    rows = []
    for runtime in RUNTIMES:
        made = built(runtime)
        sizes: dict[str, int] = {}
        with zipfile.ZipFile(made.path) as archive:
            for entry in archive.infolist():
                top = entry.filename.split("/", 1)[0] + (" (bytecode)" if entry.filename.endswith(".pyc") else "")
                sizes[top] = sizes.get(top, 0) + entry.compress_size
        largest = sorted(sizes.items(), key=lambda part: -part[1])[:6]
        parts = ", ".join(f"{name} {size / 1e3:.0f} kB" for name, size in largest)
        size = made.size / 1e6
        rows.append([runtime, f"{size:.2f} MB", f"at most {LARGEST} MB", met(size <= LARGEST), parts])
    return Table("Package", ("runtime", "zip", "goal", "", "largest parts (compressed)"), rows)
