"""Compiles the function's sources for a runtime, so that an instance need not."""

import subprocess
import tempfile
from pathlib import Path

from deploy.archive import Files

CODE = "/code/"
"""Where an instance finds the function (Function Compute, FC_FUNC_CODE_PATH): tracebacks show these paths."""
SCRIPT = Path(__file__).with_name("compile_sources.py")


def compiled(files: Files, python: str) -> Files:
    """Return the bytecode of every source, by name, made by an interpreter of the runtime's version.

    The same bytes on every machine: one process, a fixed order, no hash seed, no path of this machine.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, content in files.items():
            if name.endswith(".py"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        command = [python, "-s", "-S", "-B", str(SCRIPT), str(folder), CODE]
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": "0"})  # noqa: S603 - nothing in it comes from outside
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.pyc"))}
