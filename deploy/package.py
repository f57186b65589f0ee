"""Builds the function's zip, one for each runtime, and dist/function, which `s deploy` uploads.

One zip a runtime: pydantic's compiled core is 2.2 MB of the 3 MB, and every runtime needs its own.
Wheels are pinned with hashes and only unpacked, never built or installed: no compiler, no container, nothing of the
machine gets in. The same files, compressed by the same zlib, give the same zip to the byte; the digest that is printed
covers names and contents alone, and is the same whatever zlib there is.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deploy.pruning import kept

ROOT = Path(__file__).resolve().parent.parent
RUNTIMES = {"python3.10": "3.10", "python3.12": "3.12"}
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


def wheels(runtime: str, requirements: Path, cache: Path) -> Path:
    """The folder of the wheels that `requirements` pins, for a runtime; downloads what is not there yet."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = cache / f"{runtime}-{digest}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            download(RUNTIMES[runtime], requirements, Path(scratch) / "wheels")
            move(Path(scratch) / "wheels", folder)
    return folder


def move(source: Path, folder: Path) -> None:
    """Put a finished folder in its place, unless somebody else was faster."""
    try:
        source.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def download(python: str, requirements: Path, folder: Path) -> None:
    """Let pip fetch wheels for a Python other than its own; it refuses a file whose hash is not pinned."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    target = ["--only-binary=:all:", "--implementation=cp", "--platform=manylinux2014_x86_64"]
    pinned = ["--require-hashes", f"--python-version={python}", f"--requirement={requirements}", f"--dest={folder}"]
    subprocess.run([*pip, *target, *pinned], check=True)  # noqa: S603 - nothing in it comes from outside


def unpacked(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of all wheels of a folder that the function needs."""
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                content = kept(name, archive.read(name))
                if content is not None:
                    yield name, content


def own(root: Path) -> Iterator[tuple[str, bytes]]:
    """The function itself and its licence; what lists its dependencies stays behind."""
    yield "LICENSE", (root / "LICENSE").read_bytes()
    for path in sorted((root / "handler").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(("requirements", ".")):
            yield PurePosixPath(path.relative_to(root)).as_posix(), path.read_bytes()


def collect(runtime: str, *, root: Path = ROOT, cache: Path | None = None) -> Files:
    """Every file of the function for a runtime."""
    folder = wheels(runtime, root / "handler" / "requirements.txt", cache or root / "build" / "wheels")
    files = dict(unpacked(folder))
    for name, content in own(root):
        if name in files:
            raise ValueError(f"{name} is in a wheel as well as in the function")
        files[name] = content
    return files


def write(files: Files, path: Path) -> Package:
    """Write a zip that depends on nothing but names and contents: sorted, with one date and one mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contents = hashlib.sha256()
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = UNIX, REGULAR_FILE << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
            contents.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    data = path.read_bytes()
    return Package(path, len(files), len(data), hashlib.sha256(data).hexdigest(), contents.hexdigest())


def lay_out(package: Path, folder: Path) -> None:
    """Unpack a zip into a folder that then holds nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)


def deployed_runtime(template: Path) -> str:
    """The runtime that template.yml deploys to."""
    import yaml  # only here: everything else runs on a bare Python

    return str(yaml.safe_load(template.read_text(encoding="utf-8"))["vars"]["runtime"])


def main(arguments: list[str] | None = None) -> None:
    """Write dist/function-<runtime>.zip for every runtime, and dist/function for the one that is deployed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.package", description=__doc__)
    parser.add_argument("--runtime", choices=sorted(RUNTIMES), help="of dist/function; by default template.yml's")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where to write (default: dist)")
    options = parser.parse_args(arguments)
    packages = {runtime: write(collect(runtime), options.dist / f"function-{runtime}.zip") for runtime in RUNTIMES}
    runtime = options.runtime or deployed_runtime(ROOT / "template.yml")
    lay_out(packages[runtime].path, options.dist / "function")
    for package in packages.values():
        print(package)
    print(f"{options.dist / 'function'}: for {runtime}")


if __name__ == "__main__":
    main()
