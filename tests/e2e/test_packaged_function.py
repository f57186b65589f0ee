"""What is uploaded, run as the platform runs it: unpacked, by a bare Python, with nothing else on the path."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.archive import lay_out
from deploy.package import RUNTIMES
from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.support.interpreters import interpreter
from tests.support.kept import function_zip
from tests.support.paths import ROOT

PRODUCT = "a1Le6d0abcd"


@pytest.fixture(scope="module", params=sorted(RUNTIMES))
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud that runs the zip of a runtime, by that runtime's Python."""
    runtime = request.param
    folder = tmp_path_factory.mktemp(runtime)
    bare = bare_python(interpreter(RUNTIMES[runtime]), folder / "python")
    lay_out(function_zip(runtime), folder / "dist" / "function")
    text = (ROOT / "template.yml").read_text(encoding="utf-8")
    template = folder / "template.yml"
    template.write_text(text.replace("runtime: python3.10 ", f"runtime: {runtime} "), encoding="utf-8")
    with local_cloud(Options(port=0, template=template, packaged=True, python=str(bare))) as cloud:
        yield cloud


def bare_python(python: str, path: Path) -> Path:
    """A Python that sees no site-packages, no variables of its own, and not the folder of the script."""
    path.write_text(f'#!/bin/sh\nexec "{python}" -I -S -B "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def outcome(cloud: LocalCloud, seconds: int = 30) -> Any:
    """The next outcome, as a subscriber reads it."""
    messages = cloud.wait(lambda parts: parts.smq.wait_receive("ota-module-outcomes", 1, seconds))
    assert messages, "no outcome came"
    return json.loads(base64.b64decode(messages[0].body))


def test_a_request_from_the_queue_is_created_by_the_packaged_function(cloud: LocalCloud) -> None:
    """Queue, stream, function, API and result topic, with the role's own policy."""
    request = {"ProductKey": PRODUCT, "ModuleName": "from-queue", "Id": "queue-1"}
    body = base64.b64encode(json.dumps(request).encode()).decode()
    cloud.call(lambda parts: parts.smq.send("ota-module-requests", body))
    data = outcome(cloud)["data"]
    assert (data["Status"], data["ModuleName"]) == ("created", "from-queue")


def test_a_request_over_http_is_created_by_the_packaged_function(cloud: LocalCloud) -> None:
    """The HTTP trigger's event and answer."""
    request = {"ProductKey": PRODUCT, "ModuleName": "from-http"}
    answer = httpx.post(f"{cloud.urls.fc}/ota-modules-http/modules", json=request, timeout=60)
    assert answer.status_code == 201, answer.text
    assert outcome(cloud)["data"]["ModuleName"] == "from-http"


def test_the_packaged_function_runs_on_the_runtimes_own_python(cloud: LocalCloud) -> None:
    """The processes are of the version that the template names, in the unpacked folder."""
    answer = httpx.get(f"{cloud.urls.fc}/ota-modules-http/healthz", timeout=60)
    assert answer.status_code == 200
    instances = cloud.call(lambda parts: [(each.config.runtime, each.pid) for each in parts.fc.instances])
    assert instances
    for runtime, pid in instances:
        assert RUNTIMES[runtime] in str(Path(f"/proc/{pid}/exe").readlink())
        assert Path(f"/proc/{pid}/cwd").readlink().name == "function"
