"""What takes seconds to make and is the same for the same input: made once for all tests, in build/tests."""

import fcntl
import hashlib
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy import archive, bytecode, interpreters, package
from deploy.archive import Files, digest, write
from tests.support.paths import ROOT

FOLDER = ROOT / "build" / "tests"


def kept(name: str, inputs: str, make: Callable[[], bytes]) -> Path:
    """Return the file that was made before of the same inputs, by this process or another one; make it where nobody did."""
    path = FOLDER / f"{name}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.with_suffix(".new").write_bytes(make())
            path.with_suffix(".new").replace(path)
    return path


@cache
def function_zip(runtime: str) -> Path:
    """Return the function's zip for a runtime, with bytecode, as `deploy.package` writes it."""

    def make() -> bytes:
        with TemporaryDirectory() as folder:
            return write(package.collect(runtime), Path(folder) / "function.zip").path.read_bytes()

    made_by = (Path(package.__file__), Path(archive.__file__), Path(bytecode.__file__), bytecode.SCRIPT)
    code = [path.read_text(encoding="utf-8") for path in made_by]
    python = str(interpreters.find(package.RUNTIMES[runtime]))
    return kept(runtime, "\n".join([digest(package.sources(runtime)), python, *code]), make)


@cache
def function_files(runtime: str) -> Files:
    """Return the files in it."""
    with zipfile.ZipFile(function_zip(runtime)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
