"""`ota-modules apply`, a saved plan, and the options that plan and send share."""

import io
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.commands.sending import agree
from cli.errors import Interrupted
from cli.terminal.screen import Screen

MANIFEST = """\
products: [a1Fleet0001, a1Fleet0002, a1Fleet0003, a1Fleet0004, a1Fleet0005]
modules: [{ModuleName: mcu, AliasName: Main}, {ModuleName: modem}]
"""


@pytest.fixture
def manifest(write: Callable[[str, str], str]) -> str:
    return write("fleet.yml", MANIFEST)


@pytest.fixture
def made(cloud: Any) -> Any:
    """`made(product, name, alias)` is there already."""

    def make(product: str, name: str, alias: str | None = None) -> None:
        found = cloud.platform.products.find(product, None)
        cloud.platform.products.create_module(found, name, alias, None)

    return make


@pytest.fixture
def sent(outcome_maker: Any) -> list[dict[str, Any]]:
    """The requests that a function took, which created or updated each module."""
    requests: list[dict[str, Any]] = []

    def decide(request: dict[str, Any]) -> dict[str, Any]:
        requests.append(request)
        return {"Status": "updated" if request.get("OnExisting") == "update" else "created"}

    outcome_maker(decide)
    return requests


def test_only_what_changes_is_sent(cloud: Any, ota_modules: Any, manifest: str, made: Any, sent: Any) -> None:
    """Of ten requests, two that are there and one that differs are not sent; what differs is told, and what to do about it."""
    for product in ("a1Fleet0001", "a1Fleet0002"):
        made(product, "mcu", "Main")
    made("a1Fleet0003", "mcu", "Other")
    ended = ota_modules("apply", manifest, "--qps", "9")
    assert len(sent) == 7
    assert "AliasName is 'Other', not 'Main'; stays as it is (OnExisting: keep)" in ended.out
    assert ended.status == 3


def test_changed_aliases_are_sent_as_updates(ota_modules: Any, write: Any, made: Any, sent: Any) -> None:
    """With --on-existing update, each request carries the policy that the plan was made for."""
    path = write("aliases.yml", "products: [a1Fleet0001, a1Fleet0002]\nmodules: [{ModuleName: mcu, AliasName: Main}]\n")
    made("a1Fleet0001", "mcu", "Old")
    made("a1Fleet0002", "mcu", "Main")
    ended = ota_modules("apply", path, "--on-existing", "update", "--qps", "9")
    assert ended.status == 0, ended.out + ended.err
    assert [(request["ProductKey"], request["OnExisting"]) for request in sent] == [("a1Fleet0001", "update")]
    assert "AliasName: 'Old' -> 'Main'" in ended.out


def test_nothing_is_sent_where_nothing_changes(cloud: Any, ota_modules: Any, write: Any, made: Any) -> None:
    """And what is there besides is told."""
    path = write("one.yml", "- {ProductKey: a1Fleet0001, ModuleName: mcu}\n")
    made("a1Fleet0001", "mcu")
    made("a1Fleet0001", "lidar")
    ended = ota_modules("apply", path, "--qps", "9")
    assert ended.status == 0
    assert "also there, not in the manifest: a1Fleet0001: lidar" in ended.out
    assert cloud.depth(cloud.names.request_queue) == 0


def test_a_saved_plan_holds_what_changes_and_can_be_sent(
    cloud: Any, ota_modules: Any, manifest: str, made: Any, tmp_path: Path
) -> None:
    """As JSON Lines, with the policy that it was made for."""
    made("a1Fleet0001", "mcu", "Main")
    out = tmp_path / "changes.jsonl"
    ota_modules("plan", manifest, "--out", str(out), "--on-existing", "fail", "--qps", "9")
    requests = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(requests) == 9
    assert {request["OnExisting"] for request in requests} == {"fail"}
    assert ota_modules("send", str(out)).status == 0
    assert cloud.depth(cloud.names.request_queue) == 9


def test_send_takes_the_policy_and_the_instance_as_plan_does(cloud: Any, ota_modules: Any, write: Any) -> None:
    """For requests that name none."""
    path = write("m.yml", "- {ProductKey: a1, ModuleName: a}\n- {ProductKey: a1, ModuleName: b, OnExisting: fail}\n")
    ota_modules("send", path, "--on-existing", "update", "--instance", "iot-1")
    found = [json.loads(body) for body in cloud.bodies(cloud.names.request_queue)]
    assert {(one["ModuleName"], one["OnExisting"], one["IotInstanceId"]) for one in found} == {
        ("a", "update", "iot-1"),
        ("b", "fail", "iot-1"),
    }


def test_many_alike_rows_are_one(cloud: Any, ota_modules: Any, manifest: str) -> None:
    """With the number of products."""
    ended = ota_modules("plan", manifest, "--qps", "9")
    assert "mcu of 5 products, a1Fleet0001 the first" in ended.out
    assert "10 requests: 10 create" in ended.out


class Terminal(Screen):
    """A screen before which somebody sits."""

    def is_asked(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_an_account_is_asked_for_before_names_that_can_never_be_changed(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, answer: str, goes_on: bool
) -> None:
    """With the number, the account, and about how long it takes; the default is no."""
    account = replace(cloud.target, local=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    with nullcontext() if goes_on else pytest.raises(Interrupted, match="nothing was sent"):
        agree(Terminal(), account, 2_400, yes=False)
    agree(Terminal(), account, 2_400, yes=True)
