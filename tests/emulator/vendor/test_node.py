"""The vendor's unmodified SDKs for Node, against the local services."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from emulator.fc.api import application as fc_application
from emulator.fc.config import FunctionConfig
from emulator.fc.service import FunctionCompute
from emulator.ram.keys import Accounts
from emulator.smq.api.app import application as smq_application
from emulator.smq.service import MessageService
from tests.support.paths import ROOT

NODE = shutil.which("node")
SECONDS = 60
FUNCTIONS = ROOT / "tests/emulator/fc/functions"


def run(script: str, *arguments: str, package: str) -> Any:
    """Run a script with an SDK, and return the JSON that it prints."""
    if NODE is None or not (ROOT / "node_modules" / package).is_dir():
        pytest.skip(f"{package} is not installed: npm ci")
    command = [NODE, str(Path(__file__).with_name(script)), *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture
def functions(accounts: Accounts, serve: Callable[[ASGIApp], str]) -> str:
    echo = FunctionConfig("echo", "samples.echo", FUNCTIONS)
    return serve(fc_application(FunctionCompute(accounts, [echo])))


def test_mns_performs_all_its_operations(accounts: Accounts, serve: Callable[[ASGIApp], str]) -> None:
    service = MessageService(accounts)
    done = run("mns.js", serve(smq_application(service)), package="@alicloud/mns")
    assert len(done) == 19
    service.close()


def test_pop_core_creates_a_module_and_lists_it(platform_url: str) -> None:
    answers = run("pop.js", platform_url, "a1Known0001", package="@alicloud/pop-core")
    assert answers["created"]["Success"]
    assert "节点" in [module["AliasName"] for module in answers["listed"]["Data"]]


def test_fc2_invokes_a_function(functions: str) -> None:
    answer = run("fc2.js", functions, package="@alicloud/fc2")
    assert (json.loads(answer["data"]), answer["later"]) == ({"a": "条码"}, True)


def test_fc20230330_invokes_a_function(functions: str) -> None:
    answer = run("fc3.js", functions.removeprefix("http://"), package="@alicloud/fc20230330")
    assert (answer["status"], json.loads(answer["data"])) == (200, {"a": "条码"})
