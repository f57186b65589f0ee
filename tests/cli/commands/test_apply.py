"""`ota-modules apply`, a saved plan, and the options that plan and send share."""

import io
from contextlib import nullcontext
from typing import Any

import pytest

from cli.commands.sending import agree
from cli.errors import Interrupted
from cli.terminal.screen import Screen

MANIFEST = """\
products: [a1Fleet0001, a1Fleet0002, a1Fleet0003, a1Fleet0004, a1Fleet0005]
modules: [{ModuleName: mcu, AliasName: Main}, {ModuleName: modem}]
"""


def test_only_what_changes_is_sent(cloud: Any, ota_modules: Any, write: Any, answer: Any) -> None:
    """Of ten requests, two that are there and one that differs are not sent; what differs is told, and what to do about it."""
    for product, alias in (("a1Fleet0001", "Main"), ("a1Fleet0002", "Main"), ("a1Fleet0003", "Other")):
        cloud.create(product, "mcu", alias)
    sent = answer()
    ended = ota_modules("apply", write("fleet.yml", MANIFEST), "--qps", "9")
    assert len(sent) == 7
    assert "AliasName is 'Other', not 'Main'; stays as it is (OnExisting: keep)" in ended.out
    assert ended.status == 3


def test_changed_aliases_are_sent_as_updates(cloud: Any, ota_modules: Any, write: Any, answer: Any) -> None:
    """With --on-existing update, each request carries the policy that the plan was made for."""
    path = write("aliases.yml", "products: [a1Fleet0001, a1Fleet0002]\nmodules: [{ModuleName: mcu, AliasName: Main}]\n")
    cloud.create("a1Fleet0001", "mcu", "Old")
    cloud.create("a1Fleet0002", "mcu", "Main")
    sent = answer(lambda _request: {"Status": "updated"})
    ended = ota_modules("apply", path, "--on-existing", "update", "--qps", "9")
    assert ended.status == 0, ended.out + ended.err
    assert [(request["ProductKey"], request["OnExisting"]) for request in sent] == [("a1Fleet0001", "update")]
    assert "AliasName: 'Old' -> 'Main'" in ended.out


def test_a_stopped_apply_goes_on_and_sends_nothing_twice(cloud: Any, ota_modules: Any, write: Any, answer: Any) -> None:
    """Though a new plan has fewer requests, since some are there by now, or none at all."""
    path = write("fleet.yml", MANIFEST)
    assert "10 outcomes missing" in ota_modules("apply", path, "--qps", "9", "--timeout", "0.1").err
    cloud.create("a1Fleet0001", "mcu", "Main")
    sent = answer()
    assert ota_modules("apply", path, "--qps", "9").status == 0
    assert len(sent) == 10


def test_nothing_is_sent_where_nothing_changes(cloud: Any, ota_modules: Any, write: Any) -> None:
    """And what is there besides is told."""
    path = write("one.yml", "- {ProductKey: a1Fleet0001, ModuleName: mcu}\n")
    cloud.create("a1Fleet0001", "mcu")
    cloud.create("a1Fleet0001", "lidar")
    ended = ota_modules("apply", path, "--qps", "9")
    assert (ended.status, cloud.queued) == (0, 0)
    assert "also there, not in the manifest: a1Fleet0001: lidar" in ended.out
    assert ota_modules("apply", path, "--json").records[0]["Action"] == "none"


def test_a_saved_plan_holds_what_changes_and_can_be_sent(cloud: Any, ota_modules: Any, write: Any) -> None:
    """As JSON Lines, with the policy that it was made for; many alike rows are shown as one, with the number of products."""
    cloud.create("a1Fleet0001", "mcu", "Main")
    out = write("changes.jsonl", "")
    ended = ota_modules("plan", write("fleet.yml", MANIFEST), "--out", out, "--on-existing", "fail", "--qps", "9")
    assert "modem of 5 products, a1Fleet0001 the first" in ended.out
    assert "10 requests: 9 create, 1 exists" in ended.out
    assert ota_modules("send", out).status == 0
    assert [request["OnExisting"] for request in cloud.requests()] == ["fail"] * 9


def test_send_takes_the_policy_and_the_instance_as_plan_does(cloud: Any, ota_modules: Any, write: Any) -> None:
    """For requests that name none."""
    path = write("m.yml", "- {ProductKey: a1, ModuleName: a}\n- {ProductKey: a1, ModuleName: b, OnExisting: fail}\n")
    ota_modules("send", path, "--on-existing", "update", "--instance", "iot-1")
    sent = {(request["ModuleName"], request["OnExisting"], request["IotInstanceId"]) for request in cloud.requests()}
    assert sent == {("a", "update", "iot-1"), ("b", "fail", "iot-1")}


class Terminal(Screen):
    """A screen before which somebody sits."""

    def is_asked(self) -> bool:
        return True


@pytest.mark.parametrize("reply", ["y\n", "n\n", "\n"])
def test_who_sends_to_an_account_is_asked(account: Any, monkeypatch: pytest.MonkeyPatch, reply: str) -> None:
    """Module names can never be changed: the default is no."""
    monkeypatch.setattr("sys.stdin", io.StringIO(reply))
    with nullcontext() if reply == "y\n" else pytest.raises(Interrupted, match="nothing was sent"):
        agree(Terminal(), account, 2_400, yes=False)
    agree(Terminal(), account, 2_400, yes=True)
