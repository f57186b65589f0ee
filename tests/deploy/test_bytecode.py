"""Bytecode in the zip: complete, the same everywhere, used by the runtime, and no loss where something goes wrong."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from deploy.archive import Files
from deploy.bytecode import SCRIPT, compiled
from deploy.package import RUNTIMES
from tests.support.interpreters import interpreter
from tests.support.kept import function_files
from tests.support.paths import ROOT

EACH = pytest.mark.parametrize("runtime", sorted(RUNTIMES))
# A process with a past: it knows many more texts than a fresh one.
EXPERIENCED = f"""
import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})
import asyncio, email.mime.text, http.server, json, logging.config, sqlite3, unittest.mock, xml.dom.minidom
known = [sys.intern(text) for text in open(sys.argv[3], encoding="utf-8").read().split()]
known += [sys.intern(chr(number)) for number in range(256)]
import compile_sources, pathlib
compile_sources.compile_folder(pathlib.Path(sys.argv[1]), sys.argv[2])
"""
FAILING = b"number = 1\ndef fail():\n    raise OSError('no')\n"
FAIL = """import traceback; from folder import module; print(module.number)
try: module.fail()
except OSError: traceback.print_exc()"""


@EACH
def test_every_source_has_bytecode_that_names_no_path_of_the_machine_that_made_it(runtime: str) -> None:
    """Named as that Python looks for it; tracebacks show where an instance has the sources."""
    interpreter(RUNTIMES[runtime])
    packaged = function_files(runtime)
    bytecode = {name: content for name, content in packaged.items() if name.endswith(".pyc")}
    assert set(bytecode) == {cached(name, runtime) for name in packaged if name.endswith(".py")}
    assert all(b"/code/" in content for content in bytecode.values())
    places = [f"{ROOT}/".encode(), f"{Path.home()}/".encode(), f"{tempfile.gettempdir()}/tmp".encode()]
    assert [name for name, content in bytecode.items() if any(place in content for place in places)] == []


def cached(source: str, runtime: str) -> str:
    """Return the name of a source's bytecode."""
    version = RUNTIMES[runtime].replace(".", "")
    return Path(source).parent.joinpath("__pycache__", f"{Path(source).stem}.cpython-{version}.pyc").as_posix()


@EACH
def test_bytecode_is_the_same_whatever_the_process_had_known_before(runtime: str, tmp_path: Path) -> None:
    """And in whatever folder it is made, with whatever files: so it is the same on every machine. One file in three tells."""
    python, packaged = interpreter(RUNTIMES[runtime]), function_files(runtime)
    files = {name: packaged[name] for name in [name for name in packaged if name.endswith(".py")][::3]}
    texts, folder = tmp_path / "texts", tmp_path / "another folder"
    words = {word for content in files.values() for word in re.findall(rb"\w+", content) if word.isascii()}
    texts.write_bytes(b" ".join(sorted(words)))
    unpack(files, folder)
    command = [python, "-B", "-W", "ignore", "-c", EXPERIENCED, str(folder), "/code/", str(texts)]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "0"})
    again = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.pyc")}
    assert again.keys() == {cached(name, runtime) for name in files}
    assert [name for name in again if again[name] != packaged[name]] == []


@EACH
def test_a_runtime_reads_the_bytecode_and_another_version_of_python_the_source(runtime: str, tmp_path: Path) -> None:
    """Unchecked: whatever has become of the source, which a traceback shows, wherever the function was unpacked.

    Were the platform to change its Python, the function would start slowly.
    """
    python, files = interpreter(RUNTIMES[runtime]), {"folder/module.py": FAILING}
    unpack({**files, **compiled(files, python)}, tmp_path)
    (tmp_path / "folder/module.py").write_bytes(FAILING.replace(b"1", b"2"))
    another = interpreter(next(version for version in RUNTIMES.values() if version != RUNTIMES[runtime]))
    for each, number in ((python, "1"), (another, "2")):
        shown = imported(each, tmp_path, FAIL)
        assert shown.startswith(f"{number}\n")
        assert f'File "{tmp_path}/folder/module.py", line 3, in fail\n    raise OSError' in shown


@pytest.mark.parametrize(
    ("source", "expression"),
    [
        ('"""Text."""\nfrom __future__ import annotations\n', "__doc__"),
        ('def function():\n    """Text."""\n', "function.__doc__"),
        ('class Class:\n    """Text."""\n', "Class.__doc__"),
        ('async def function():\n    """Text."""\n    return 1\n', "function.__doc__"),
    ],
)
def test_other_peoples_docstrings_stay_behind_and_the_functions_own_do_not(
    source: str, expression: str, tmp_path: Path
) -> None:
    """A fifth of the bytecode, and memory in every instance. The published contracts are made of the function's own."""
    files = {"others.py": source.encode(), "handler/own.py": source.encode()}
    unpack({**files, **compiled(files, sys.executable)}, tmp_path)
    script = f"import others, handler.own as own; print(others.{expression}, own.{expression})"
    assert imported(sys.executable, tmp_path, script) == "None Text."


def unpack(files: Files, folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def imported(python: str, folder: Path, script: str) -> str:
    """Run a script beside a folder's modules; return what it printed."""
    command = [python, "-I", "-S", "-B", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{script}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return (run.stdout + run.stderr).strip()
