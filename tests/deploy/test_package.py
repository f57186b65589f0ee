"""The zips that are deployed: what is in them, that they are always the same, and that they run."""

import json
import re
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.archive import digest, lay_out, write
from deploy.interpreters import find
from deploy.package import MANIFEST, RUNTIMES, collect, deployed_runtime, main
from handler.version import VERSION
from tests.support.interpreters import interpreter
from tests.support.kept import function_files, function_zip
from tests.support.paths import ROOT

LARGEST = 4_800_000
DEPLOYED = deployed_runtime(ROOT / "template.yml")
REQUIREMENTS = (ROOT / "handler" / "requirements.txt").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", REQUIREMENTS, re.MULTILINE))
EACH = pytest.mark.parametrize("runtime", sorted(RUNTIMES))

# Run by a bare Python: imports all of the function and what it needs, and opens every kind of store.
PROBE = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import handler
for module in pkgutil.walk_packages(handler.__path__, "handler."):
    importlib.import_module(module.name)
import redis
for url in ("redis://127.0.0.1:6379", "rediss://127.0.0.1:6379", "unix:///tmp/store"):
    redis.Redis.from_url(url).register_script("return 1")
files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
print(json.dumps(sorted(file for file in files if file)))
"""


@EACH
def test_the_same_files_give_the_same_small_zip_and_others_another_digest(runtime: str, tmp_path: Path) -> None:
    """To the byte, in whatever order they come. It is fetched and unpacked at every cold start."""
    files = function_files(runtime)
    second = write(dict(reversed(list(files.items()))), tmp_path / "second.zip")
    assert second.path.read_bytes() == function_zip(runtime).read_bytes()
    assert second.contents == digest(files)
    assert second.path.stat().st_size <= LARGEST
    assert len({digest({**files, **more}) for more in ({}, {"new.py": b""}, {"new.py": b"1"}, {"newer.py": b""})}) == 4


@EACH
def test_nothing_is_in_the_zip_but_the_function_what_it_imports_and_every_licence(runtime: str) -> None:
    """No tests, no local cloud, no compiler's leavings, none of the SDKs' own dependencies; one core, the runtime's own."""
    files = function_files(runtime)
    assert {name.split("/")[0] for name in files if ".dist-info/" not in name} == {
        "LICENSE", MANIFEST, "__pycache__", "aliyunsdkcore", "annotated_types", "async_timeout", "handler", "pydantic",
        "pydantic_core", "redis", "typing_extensions.py", "typing_inspection",
    }  # fmt: skip
    unwanted = re.compile(
        r"\.pyi$|py\.typed|requirements|(^|/)tests?/|cacert|endpoints\.json|-info/(RECORD|sboms)|\.data/"
        r"|aliyunsdkcore/(client|vendored/requests)|pydantic/(v1/|mypy)|redis/(multidb|commands/search)/"
    )
    assert [name for name in files if unwanted.search(name)] == []
    core = f"pydantic_core/_pydantic_core.cpython-{RUNTIMES[runtime].replace('.', '')}-x86_64-linux-gnu.so"
    assert [name for name in files if name.endswith(".so")] == [core]
    packages = {name.split("/")[0] for name in files if ".dist-info/" in name}
    assert len(packages) == len(PINS)
    for package in packages:
        assert any("licen" in name.lower() for name in files if name.startswith(f"{package}/")), package
        head = files[f"{package}/METADATA"]
        assert head.startswith(b"Metadata-Version:")
        assert b"\n\n" not in head.replace(b"\r", b"")


@EACH
def test_the_zip_runs_with_nothing_else_on_the_path(runtime: str, tmp_path: Path) -> None:
    """A bare Python of the runtime's version imports all of it: no site-packages, no environment."""
    python = interpreter(RUNTIMES[runtime])
    lay_out(function_zip(runtime), tmp_path / "code")
    command = [python, "-I", "-S", "-B", "-c", PROBE, str(tmp_path / "code")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert not any("site-packages" in file for file in json.loads(run.stdout))


def test_the_command_writes_both_zips_and_the_folder_for_the_deployed_runtime(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `s deploy` uploads, the same to the byte whenever it is made; without bytecode, which is said, where a runtime's
    Python is not installed."""
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "of_an_older_build.py").touch()
    only_deployed: Mapping[str, str | None] = {RUNTIMES[DEPLOYED]: find(RUNTIMES[DEPLOYED])}
    main(["--dist", str(tmp_path)], interpreter=only_deployed.get)
    printed = capsys.readouterr().out
    zips = {runtime: tmp_path / f"function-{runtime}.zip" for runtime in RUNTIMES}
    assert set(tmp_path.iterdir()) == {tmp_path / "function", *zips.values()}
    assert zips[DEPLOYED].read_bytes() == function_zip(DEPLOYED).read_bytes()
    laid_out = [path for path in (tmp_path / "function").rglob("*") if path.is_file()]
    contents = {path.relative_to(tmp_path / "function").as_posix(): path.read_bytes() for path in laid_out}
    assert contents == function_files(DEPLOYED)
    assert f"for {DEPLOYED}" in printed
    for runtime in RUNTIMES.keys() - {DEPLOYED}:
        with zipfile.ZipFile(zips[runtime]) as archive:
            assert not [name for name in archive.namelist() if name.endswith(".pyc")]
        assert re.search(rf"WITHOUT bytecode.*uv python install {re.escape(RUNTIMES[runtime])}\b", printed)


def test_everything_deployed_is_pinned_with_a_hash_as_it_is_tested() -> None:
    """No range, no marker that would depend on who builds, no address; the versions are those that the tests run with."""
    lines = [line for line in REQUIREMENTS.splitlines() if line and not line.lstrip().startswith("#")]
    pinned = re.compile(r"[\w.-]+==[\w.]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not pinned.fullmatch(line)] == []
    lock = (ROOT / "locks" / "dev.txt").read_text(encoding="utf-8")
    assert [name for name, version in PINS.items() if f"{name}=={version} " not in lock] == []
    names = re.findall(r"^[\w-]+$", (ROOT / "handler" / "requirements.in").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(names) == {"aliyun-python-sdk-core", "pydantic", "redis"}
    assert set(names) <= set(PINS)


def test_the_version_is_the_projects_own_and_names_the_sources() -> None:
    """The log can tell which package runs: the same sources have the same digest, others another, with bytecode or without."""
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = set()
    for runtime, python in RUNTIMES.items():
        interpreter(python)
        files, bare = function_files(runtime), collect(runtime, interpreter=lambda _version: None)
        about = json.loads(files[MANIFEST])
        assert json.loads(bare[MANIFEST]) == {**about, "bytecode": None}
        assert about["bytecode"] == python
        assert re.fullmatch(rf"{re.escape(VERSION)}\+[0-9a-f]{{12}}", about["version"])
        assert f'VERSION = "{about["version"]}"' in files["handler/version.py"].decode()
        versions.add(about["version"])
    assert len(versions) == len(RUNTIMES)  # each runtime has a compiled core of its own
