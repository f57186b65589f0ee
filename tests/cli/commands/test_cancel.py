"""`ota-modules cancel`, and how `pause` and `resume` act on the queue."""

import json
from typing import Any

from cli.sending.browsing import split
from tests.support.waiting import eventually


def test_the_queued_requests_of_a_manifest_are_taken_out(ota_modules: Any, live: Any, manifest_of: Any) -> None:
    """Those of others stay; the stream, paused by somebody, stays so; the manifest is not waited for any more."""
    assert ota_modules("pause", "--json").records[0]["State"] == "paused"
    ours, others = manifest_of("one", "two", "three"), manifest_of("other")
    assert [ota_modules("send", path).status for path in (ours, others)] == [0, 0]
    ended = ota_modules("cancel", ours, "--json")
    assert ended.status == 0, ended.err
    assert len(ended.records[0]["Cancelled"]) == 3
    assert (live.queued, live.stream) == (1, "Paused")
    for options in ([], ["--wait"]):
        refused = ota_modules("send", ours, *options)
        assert (refused.status, "was cancelled" in refused.err) == (1, True)
    assert live.queued == 1
    assert "3 of 3 sent, 0 outcomes, cancelled" in ota_modules("status").out
    assert ota_modules("resume", "--json").records[0]["State"] == "running"
    eventually(lambda: live.queued == 0 or None)
    made = live.cloud.call(lambda cloud: cloud.iot.products.find("a1Demo00001", None).custom_modules)
    assert {module.name for module in made} & {"one", "two", "three", "other"} == {"other"}


def test_what_was_already_created_is_listed(ota_modules: Any, live: Any, manifest_of: Any) -> None:
    """By the run's name; nothing is deleted, and it says so."""
    path = manifest_of("done")
    run = ota_modules("send", path, "--wait", "--json").records[0]["Run"]
    ended = ota_modules("cancel", run)
    assert ended.status == 0, ended.err
    assert "a1Demo00001/done" in ended.out
    assert "Nothing is deleted" in ended.out
    assert live.stream == "Running"
    assert "1 created" in ota_modules("send", path, "--wait").out


def test_what_is_neither_a_run_nor_a_sent_manifest_is_refused(ota_modules: Any, live: Any, manifest_of: Any) -> None:
    """With the way to name the run, and before anything is paused."""
    ended = ota_modules("cancel", manifest_of("never"))
    assert (ended.status, "name the run" in ended.err) == (2, True)
    assert ota_modules("cancel", "nonsense").status == 2
    assert live.stream == "Running"


def test_an_array_that_was_put_back_loses_the_run_s_requests_only() -> None:
    """The rest stays an array; a body that is no JSON stays as it is."""
    ids, rest = split(json.dumps([{"Id": "r-1"}, {"Id": "x"}, "text", {"Id": "r-2"}]), lambda name: name[:2] == "r-")
    assert (ids, json.loads(rest or "")) == (["r-1", "r-2"], [{"Id": "x"}, "text"])
    assert split("{", lambda name: name != "") == ([], "{")
    assert split('{"Id": "r-1"}', lambda name: name == "r-1") == (["r-1"], None)
