"""What takes seconds to make and is the same for the same input: made once for all tests, in build/tests."""

import fcntl
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy import bytecode, interpreters, package
from deploy.archive import Files, digest, write
from tests.support.paths import ROOT

FOLDER = ROOT / "build" / "tests"


def kept(name: str, inputs: str, make: Callable[[], bytes]) -> bytes:
    """Return what was made before of the same inputs, by this process or another one; make it where nobody did."""
    path = FOLDER / f"{name}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.with_suffix(".new").write_bytes(make())
            path.with_suffix(".new").replace(path)
    return path.read_bytes()


def function_files(runtime: str) -> Files:
    """Return the function's files for a runtime, with their bytecode, as `deploy.package` collects them."""

    def make() -> bytes:
        with TemporaryDirectory() as folder:
            return write(package.collect(runtime), Path(folder) / "function.zip").path.read_bytes()

    code = [path.read_text(encoding="utf-8") for path in (Path(package.__file__), bytecode.SCRIPT)]
    python = str(interpreters.find(package.RUNTIMES[runtime]))
    content = kept(runtime, "\n".join([digest(package.sources(runtime)), python, *code]), make)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
