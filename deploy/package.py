"""Builds the function's zip, one for each runtime, and dist/function, which `s deploy` uploads.

One zip a runtime: pydantic's compiled core is 2.2 MB of it, and every runtime needs its own and its own bytecode.
The same files, compressed by the same zlib, give the same zip to the byte; the digest that is printed covers names and contents
alone, and is the same whatever zlib there is.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from deploy.archive import Files, digest, lay_out, write
from deploy.bytecode import compiled
from deploy.interpreters import find
from deploy.wheels import unpacked, wheels

ROOT = Path(__file__).resolve().parent.parent
RUNTIMES = {"python3.10": "3.10", "python3.12": "3.12"}
MANIFEST = "MANIFEST.json"
VERSION = "handler/version.py"
SHOWN = 12
"""Characters of the sources' digest that the version shows."""


def own(root: Path) -> Iterator[tuple[str, bytes]]:
    """Read the function itself and its licence; what lists its dependencies stays behind."""
    yield "LICENSE", (root / "LICENSE").read_bytes()
    for path in sorted((root / "handler").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(("requirements", ".")):
            yield PurePosixPath(path.relative_to(root)).as_posix(), path.read_bytes()


def sources(runtime: str, *, root: Path = ROOT, cache: Path | None = None) -> Files:
    """Collect what is packaged as it is: the function and the parts of wheels that it needs."""
    folder = wheels(RUNTIMES[runtime], root / "handler" / "requirements.txt", cache or root / "build" / "wheels")
    files = dict(unpacked(folder))
    for name, content in own(root):
        if name in files:
            raise ValueError(f"{name} is in a wheel as well as in the function")
        files[name] = content
    return files


def versioned(files: Files) -> tuple[Files, str]:
    """Put a digest of all sources behind the version that the function tells; return the version, too."""
    text = files[VERSION].decode()
    stated = re.search(r'^VERSION = "([^"]+)"$', text, re.MULTILINE)
    if stated is None:
        raise ValueError(f"{VERSION} states no version")
    version = f"{stated[1]}+{digest(files)[:SHOWN]}"
    return {**files, VERSION: text.replace(stated[0], f'VERSION = "{version}"').encode()}, version


def collect(runtime: str, *, interpreter: Callable[[str], str | None] = find) -> Files:
    """Collect every file of the function for a runtime; without bytecode where its Python is not installed."""
    files, version = versioned(sources(runtime))
    python = interpreter(RUNTIMES[runtime])
    code = compiled(files, python) if python else {}
    about = {"version": version, "runtime": runtime, "bytecode": RUNTIMES[runtime] if python else None}
    return {**files, **code, MANIFEST: f"{json.dumps(about, indent=2)}\n".encode()}


def deployed_runtime(template: Path) -> str:
    """Read the runtime that template.yml deploys to."""
    import yaml  # only here: everything else runs on a bare Python

    return str(yaml.safe_load(template.read_text(encoding="utf-8"))["vars"]["runtime"])


def describe(files: Files, runtime: str) -> str:
    """Say what a package is, and, where it has no bytecode, what that costs and how to get it."""
    about = json.loads(files[MANIFEST])
    head = f"  version    {about['version']}, {'with' if about['bytecode'] else 'WITHOUT'} bytecode"
    if about["bytecode"]:
        return head
    python = RUNTIMES[runtime]
    return f"{head}: instances start half as fast; `uv python install {python}` or `pyenv install {python}`, and again"


def main(arguments: list[str] | None = None, *, interpreter: Callable[[str], str | None] = find) -> None:
    """Write dist/function-<runtime>.zip for every runtime, and dist/function for the one that is deployed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.package", description=__doc__)
    parser.add_argument("--runtime", choices=sorted(RUNTIMES), help="of dist/function; by default template.yml's")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="where to write (default: dist)")
    options = parser.parse_args(arguments)
    for runtime in RUNTIMES:
        files = collect(runtime, interpreter=interpreter)
        print(write(files, options.dist / f"function-{runtime}.zip"))
        print(describe(files, runtime))
    runtime = options.runtime or deployed_runtime(ROOT / "template.yml")
    lay_out(options.dist / f"function-{runtime}.zip", options.dist / "function")
    print(f"{options.dist / 'function'}: for {runtime}")


if __name__ == "__main__":
    main()
