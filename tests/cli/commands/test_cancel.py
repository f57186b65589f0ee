"""`ota-modules cancel`."""

import json
from typing import Any

from cli.sending.browsing import split
from tests.cli.live import Live
from tests.support.waiting import eventually

QUEUE = "ota-module-requests"


def waiting(live: Live) -> int:
    depths = live.cloud.call(lambda cloud: cloud.smq.depths(QUEUE))
    return depths.active + depths.inactive + depths.delayed


def test_the_queued_requests_of_a_manifest_are_taken_out(ota_modules: Any, live: Live, wanted: Any) -> None:
    """Those of others stay; the stream, paused by somebody, stays so; the manifest is not waited for any more."""
    ota_modules("pause")
    ours, others = wanted("one", "two", "three"), wanted("other")
    for path in (ours, others):
        assert ota_modules("send", path).status == 0
    ended = ota_modules("cancel", ours, "--json")
    assert ended.status == 0, ended.err
    assert len(json.loads(ended.out)["Cancelled"]) == 3
    assert waiting(live) == 1
    assert live.cloud.call(lambda cloud: cloud.streams[0].state) == "Paused"
    for options in ([], ["--wait"]):
        refused = ota_modules("send", ours, *options)
        assert (refused.status, "was cancelled" in refused.err) == (1, True)
    assert waiting(live) == 1
    assert "3 of 3 sent, 0 outcomes, cancelled" in ota_modules("status").out
    ota_modules("resume")
    eventually(lambda: waiting(live) == 0 or None)
    names = live.cloud.call(lambda cloud: [m.name for m in cloud.iot.products.find("a1Demo00001", None).custom_modules])
    assert "other" in names
    assert not {"one", "two", "three"} & set(names)


def test_what_was_already_created_is_listed(ota_modules: Any, live: Live, wanted: Any) -> None:
    """By the run's name; nothing is deleted, and it says so."""
    path = wanted("done")
    run = json.loads(ota_modules("send", path, "--wait", "--json").out)["Run"]
    ended = ota_modules("cancel", run)
    assert ended.status == 0, ended.err
    assert "a1Demo00001/done" in ended.out
    assert "Nothing is deleted" in ended.out
    assert live.cloud.call(lambda cloud: cloud.streams[0].state) == "Running"
    assert "1 created" in ota_modules("send", path, "--wait").out


def test_what_is_neither_a_run_nor_a_sent_manifest_is_refused(ota_modules: Any, live: Live, wanted: Any) -> None:
    """With the way to name the run, and before anything is paused."""
    ended = ota_modules("cancel", wanted("never"))
    assert (ended.status, "name the run" in ended.err) == (2, True)
    assert ota_modules("cancel", "nonsense").status == 2
    assert live.cloud.call(lambda cloud: cloud.streams[0].state) == "Running"


def test_an_array_that_was_put_back_loses_the_run_s_requests_only() -> None:
    """The rest stays an array; a body that is no JSON stays as it is."""
    body = json.dumps([{"Id": "r-1"}, {"Id": "x"}, "text", {"Id": "r-2"}])
    ids, rest = split(body, lambda name: name.startswith("r-"))
    assert ids == ["r-1", "r-2"]
    assert json.loads(rest or "") == [{"Id": "x"}, "text"]
    assert split("{", lambda name: name != "") == ([], "{")
    assert split('{"Id": "r-1"}', lambda name: name == "r-1") == (["r-1"], None)
