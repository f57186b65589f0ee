"""The zips that are deployed: what is in them, that they are always the same, and that they run."""

import json
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy.package import RUNTIMES, Files, Package, collect, deployed_runtime, lay_out, main, write
from deploy.pruning import kept
from emulator.template.reader import load
from tests.support.interpreters import interpreter
from tests.support.paths import ROOT

LARGEST = 3_500_000
EACH = pytest.mark.parametrize("runtime", sorted(RUNTIMES))

# Run by a bare Python: imports all of the function and what it needs, uses what has compiled or pruned parts.
PROBE = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import handler
for module in pkgutil.walk_packages(handler.__path__, "handler."):
    importlib.import_module(module.name)
from aliyunsdkcore.auth.composer import rpc_signature_composer
import mns.mns_client, mns.mns_request, mns.topic
import redis
from pydantic import BaseModel
class Model(BaseModel):
    number: int
assert Model.model_validate_json(b'{"number": 1}').number == 1
assert Model.model_json_schema()["properties"]
redis.Redis.from_url("redis://127.0.0.1:6379").register_script("return 1")
url, text = rpc_signature_composer.get_signed_url({"Action": "A"}, "testid", "testsecret", "JSON", "POST", {})
assert "Signature=" in url
files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
print(json.dumps(sorted(file for file in files if file)))
"""


@pytest.fixture(scope="module")
def files() -> dict[str, Files]:
    """The files of the function, by runtime."""
    return {runtime: collect(runtime) for runtime in RUNTIMES}


@pytest.fixture(scope="module")
def packages(files: dict[str, Files], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Package]:
    """The zips, by runtime."""
    dist = tmp_path_factory.mktemp("dist")
    return {runtime: write(files[runtime], dist / f"{runtime}.zip") for runtime in RUNTIMES}


@EACH
def test_the_same_files_give_the_same_zip(packages: dict[str, Package], runtime: str, tmp_path: Path) -> None:
    """To the byte, in whatever order they come."""
    shuffled = dict(reversed(list(collect(runtime).items())))
    second = write(shuffled, tmp_path / "second.zip")
    assert second.path.read_bytes() == packages[runtime].path.read_bytes()
    assert (second.sha256, second.contents) == (packages[runtime].sha256, packages[runtime].contents)


def test_another_content_gives_another_digest(tmp_path: Path) -> None:
    """The digest of the contents does not depend on the compressor, but on every name and every byte."""
    contents = [{"a.py": b"1"}, {"a.py": b"2"}, {"b.py": b"1"}]
    digests = {write(files, tmp_path / f"{number}.zip").contents for number, files in enumerate(contents)}
    assert len(digests) == len(contents)


@EACH
def test_the_zip_is_small(packages: dict[str, Package], runtime: str) -> None:
    """3.5 MB at most: what is fetched and unpacked at every cold start."""
    assert packages[runtime].size <= LARGEST


@EACH
def test_nothing_is_in_the_zip_but_the_function_and_what_it_imports(files: dict[str, Files], runtime: str) -> None:
    """No tests, no local cloud, no compiler's leavings, none of the SDKs' own dependencies."""
    top = {name.split("/")[0] for name in files[runtime] if not name.split("/")[0].endswith(".dist-info")}
    assert top == {
        "LICENSE",
        "aliyunsdkcore",
        "annotated_types",
        "async_timeout",
        "handler",
        "mns",
        "pydantic",
        "pydantic_core",
        "redis",
        "typing_extensions.py",
        "typing_inspection",
    }
    unwanted = re.compile(r"\.py[cio]$|__pycache__|requirements|(^|/)tests?/|cacert|endpoints\.json")
    assert [name for name in files[runtime] if unwanted.search(name)] == []


@EACH
def test_the_compiled_core_is_the_runtimes_own(files: dict[str, Files], runtime: str) -> None:
    """One, for this version of Python and for Linux on x86-64."""
    compiled = [name for name in files[runtime] if name.endswith(".so")]
    digits = RUNTIMES[runtime].replace(".", "")
    assert compiled == [f"pydantic_core/_pydantic_core.cpython-{digits}-x86_64-linux-gnu.so"]


@EACH
def test_every_licence_is_kept(files: dict[str, Files], runtime: str) -> None:
    """Each package comes with its licence and its name."""
    packages = {name.split("/")[0] for name in files[runtime] if ".dist-info/" in name}
    assert len(packages) == len(pins())
    for package in packages:
        assert any("licen" in name.lower() for name in files[runtime] if name.startswith(f"{package}/")), package
        assert files[runtime][f"{package}/METADATA"].startswith(b"Metadata-Version:")


@EACH
def test_the_zip_runs_with_nothing_else_on_the_path(packages: dict[str, Package], runtime: str, tmp_path: Path) -> None:
    """A bare Python of the runtime's version imports all of it: no site-packages, no environment."""
    python = interpreter(RUNTIMES[runtime])
    lay_out(packages[runtime].path, tmp_path / "code")
    command = [python, "-I", "-S", "-B", "-c", PROBE, str(tmp_path / "code")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert not any("site-packages" in file for file in json.loads(run.stdout))


def test_unpacking_leaves_nothing_of_an_older_build(tmp_path: Path) -> None:
    """The folder then holds what is in the zip, and nothing else."""
    package = write({"handler/index.py": b""}, tmp_path / "function.zip")
    (tmp_path / "function").mkdir()
    (tmp_path / "function" / "old.py").touch()
    lay_out(package.path, tmp_path / "function")
    assert [path.name for path in (tmp_path / "function").iterdir()] == ["handler"]


def test_the_command_writes_both_zips_and_the_folder_for_the_deployed_runtime(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make package` leaves what `s deploy` uploads."""
    main(["--dist", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == {
        "function",
        "function-python3.10.zip",
        "function-python3.12.zip",
    }
    runtime = deployed_runtime(ROOT / "template.yml")
    with zipfile.ZipFile(tmp_path / f"function-{runtime}.zip") as archive:
        assert all((tmp_path / "function" / name).read_bytes() == archive.read(name) for name in archive.namelist())
    assert f"for {runtime}" in capsys.readouterr().out


def test_the_template_deploys_that_folder() -> None:
    """Both functions have the same code, for a runtime that there is a zip for."""
    for function in load(ROOT / "template.yml", environ={}).functions:
        assert function.code == ROOT / "dist" / "function"
        assert function.runtime in RUNTIMES


@pytest.mark.parametrize(
    "name",
    [
        "aliyunsdkcore/client.py",
        "aliyunsdkcore/vendored/requests/api.py",
        "mns/queue.py",
        "pydantic/v1/main.py",
        "pydantic/mypy.py",
        "pydantic_core/core_schema.pyi",
        "redis-8.1.0.dist-info/RECORD",
        "pydantic_core-2.0.dist-info/sboms/pydantic-core.cyclonedx.json",
        "aliyun_mns_sdk-1.3.0.data/scripts/mnscmd",
    ],
)
def test_what_nothing_imports_is_left_out(name: str) -> None:
    """Of the SDKs only the parts that are used; of descriptions only licence and name."""
    assert kept(name, b"content") is None


def test_a_description_is_cut_to_its_head() -> None:
    """Name and version are read by the package itself; the pages after them by nobody."""
    assert kept("x-1.dist-info/METADATA", b"Name: x\r\nVersion: 1\r\n\r\n# x\n") == b"Name: x\nVersion: 1\n"


def pins() -> dict[str, str]:
    """The versions in handler/requirements.txt, by package."""
    text = (ROOT / "handler" / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def test_everything_deployed_is_pinned_with_a_hash_and_from_nowhere_in_particular() -> None:
    """No range, no marker that would depend on who builds, no address."""
    text = (ROOT / "handler" / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    pinned = re.compile(r"[\w.-]+==[\w.]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lines if not pinned.fullmatch(line)] == []


def test_what_is_deployed_is_what_is_tested() -> None:
    """The versions are those that the tests run with."""
    lock = (ROOT / "locks" / "dev.txt").read_text(encoding="utf-8")
    assert [name for name, version in pins().items() if f"{name}=={version} " not in lock] == []


def test_what_the_function_imports_is_what_requirements_in_names() -> None:
    """Every direct dependency is pinned, and so is everything that it needs."""
    names = re.findall(r"^[\w-]+$", (ROOT / "handler" / "requirements.in").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(names) == {"aliyun-mns-sdk", "aliyun-python-sdk-core", "pydantic", "redis"}
    assert set(names) <= set(pins())
