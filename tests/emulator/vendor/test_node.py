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
from tests.support.small_cloud import FUNCTIONS

NODE = shutil.which("node")


def run(script: str, *arguments: str, package: str) -> Any:
    """Run a script with an SDK, and return the JSON that it prints."""
    if NODE is None or not (ROOT / "node_modules" / package).is_dir():
        pytest.skip(f"{package} is not installed: npm ci")
    command = [NODE, str(Path(__file__).with_name(script)), *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_mns_performs_all_its_operations(accounts: Accounts, serve: Callable[[ASGIApp], str]) -> None:
    service = MessageService(accounts)
    assert len(run("mns.js", serve(smq_application(service)), package="@alicloud/mns")) == 19
    service.close()


def test_pop_core_creates_a_module_and_lists_it(platform_url: str) -> None:
    answers = run("pop.js", platform_url, "a1Known0001", package="@alicloud/pop-core")
    assert answers["created"]["Success"]
    assert "节点" in [module["AliasName"] for module in answers["listed"]["Data"]]


@pytest.mark.parametrize(
    ("script", "package", "fields"),
    [("fc2.js", "@alicloud/fc2", {"later": True}), ("fc3.js", "@alicloud/fc20230330", {"status": 200})],
)
def test_fc_invokes_a_function(
    accounts: Accounts, serve: Callable[[ASGIApp], str], script: str, package: str, fields: dict[str, object]
) -> None:
    functions = FunctionCompute(accounts, [FunctionConfig("echo", "samples.echo", FUNCTIONS)])
    answer = run(script, serve(fc_application(functions)), package=package)
    assert json.loads(answer.pop("data")) == {"a": "条码"}
    assert answer == fields
