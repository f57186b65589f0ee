"""What is uploaded, run as the platform runs it: unpacked, by a bare Python, with nothing else on the path."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.archive import lay_out
from deploy.package import RUNTIMES
from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.support.interpreters import interpreter
from tests.support.kept import function_zip
from tests.support.local import Outcomes, changed_template, send

REQUEST = {"ProductKey": "a1Le6d0abcd", "ModuleName": "by-queue", "Id": "by-queue"}


@pytest.fixture(scope="module", params=sorted(RUNTIMES))
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud that runs the zip of a runtime, by that runtime's Python."""
    folder = tmp_path_factory.mktemp(request.param)
    python = bare_python(interpreter(RUNTIMES[request.param]), folder / "python")
    lay_out(function_zip(request.param), folder / "dist" / "function")
    template = changed_template(folder, {"runtime: python3.10 ": f"runtime: {request.param} "})
    with local_cloud(Options(port=0, template=template, packaged=True, python=str(python))) as cloud:
        yield cloud


def bare_python(python: str, path: Path) -> Path:
    """A Python that sees no site-packages, no variables of its own, and not the folder of the script."""
    path.write_text(f'#!/bin/sh\nexec "{python}" -I -S -B "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_packaged_function_creates_modules_by_queue_and_over_http(cloud: LocalCloud, outcomes: Outcomes) -> None:
    """Trigger, function, API and result topic, with the role's own policy."""
    send(cloud, REQUEST)
    over_http = {**REQUEST, "ModuleName": "over-http", "Id": "over-http"}
    answer = httpx.post(f"{cloud.urls.fc}/ota-modules-http/modules", json=over_http, timeout=60)
    assert answer.status_code == 201, answer.text
    for name in ("by-queue", "over-http"):
        data = outcomes.of(name)["data"]
        assert (data["Status"], data["ModuleName"]) == ("created", name)


def test_the_packaged_function_runs_on_the_runtimes_own_python(cloud: LocalCloud) -> None:
    """The processes are of the version that the template names, in the unpacked folder."""
    assert httpx.get(f"{cloud.urls.fc}/ota-modules-http/healthz", timeout=60).status_code == 200
    instances = cloud.call(lambda parts: [(each.config.runtime, each.pid) for each in parts.fc.instances])
    assert instances
    for runtime, pid in instances:
        assert RUNTIMES[runtime] in str(Path(f"/proc/{pid}/exe").readlink())
        assert Path(f"/proc/{pid}/cwd").readlink().name == "function"
