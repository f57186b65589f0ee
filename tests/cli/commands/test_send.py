"""`ota-modules send`."""

import csv
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

FLEET = """\
defaults: {OnExisting: update}
products: [a1Demo00001, a1Demo00002, {ProductKey: a1Inst00001, IotInstanceId: iot-060a0test}]
modules:
  - {ModuleName: mcu, AliasName: MCU}
  - modem
overrides:
  - {ProductKey: a1Demo00002, ModuleName: MCU, AliasName: MCU_2}
  - {ProductKey: a1Inst00001, ModuleName: modem, Skip: true}
"""


@pytest.fixture
def fleet(write: Any) -> str:
    return str(write("fleet.yml", FLEET))


def test_a_grid_becomes_one_message_a_request(cloud: Any, ota_modules: Any, fleet: str) -> None:
    """Overrides change or skip what they name; every request has an Id of its own."""
    ended = ota_modules("send", fleet)
    assert ended.status == 0, ended.err
    sent = cloud.requests()
    assert [(one["ProductKey"], one["ModuleName"], one.get("AliasName"), one["OnExisting"]) for one in sent] == [
        ("a1Demo00001", "mcu", "MCU", "update"),
        ("a1Demo00001", "modem", None, "update"),
        ("a1Demo00002", "mcu", "MCU_2", "update"),
        ("a1Demo00002", "modem", None, "update"),
        ("a1Inst00001", "mcu", "MCU", "update"),
    ]
    assert len({one["Id"] for one in sent}) == 5


def test_nothing_is_sent_if_anything_is_wrong(cloud: Any, ota_modules: Any, write: Any) -> None:
    """Exit status 2, and each fault with file, line, field and rule."""
    ended = ota_modules("send", write("wrong.csv", "ProductKey,ModuleName\na1Demo00001,mcu\na1Demo00001,default\n"))
    assert (ended.status, cloud.queued) == (2, 0)
    assert "wrong.csv:3: ModuleName: " in ended.out
    assert "built in" in ended.out


def test_skip_invalid_sends_what_is_valid(cloud: Any, ota_modules: Any) -> None:
    """From standard input; exit status 3, for some of it was not sent. An Id of one's own is kept."""
    rows = [{"ProductKey": "a1Demo00001", "ModuleName": name, "Id": name} for name in ("mcu", "a b")]
    ended = ota_modules("send", "-", "--skip-invalid", "--json", text="\n".join(map(json.dumps, rows)))
    assert (ended.status, ended.records[-2]["Faults"][0]["Line"]) == (3, 2)
    assert [(request["ModuleName"], request["Id"]) for request in cloud.requests()] == [("mcu", "mcu")]


def test_the_same_manifest_is_not_sent_twice(cloud: Any, ota_modules: Any, fleet: str) -> None:
    """Unless --again asks for it: another run begins, with other Ids."""
    assert ota_modules("send", fleet).status == 0
    ended = ota_modules("send", fleet)
    assert (ended.status, "already sent" in ended.err, cloud.queued) == (0, True, 5)
    ota_modules("send", fleet, "--again")
    assert len({request["Id"] for request in cloud.requests()}) == 10


def test_a_local_cloud_that_started_anew_is_another(cloud: Any, ota_modules: Any, fleet: str, serve: Any) -> None:
    """It knows nothing of what was sent to the one before."""

    def console(began: float) -> Any:
        none: dict[str, Any] = {"queues": {}, "streams": [], "functions": [], "lastError": None}
        state = {**none, "began": began, "calls": {"lastSecond": {}}, "outcomes": {"recent": 0, "seconds": 10}}
        return serve(Starlette(routes=[Route("/state", lambda _request: JSONResponse(state))]))

    first, second = console(1.0), console(2.0)
    for where, queued in ((first, 5), (first, 5), (second, 10)):
        ota_modules("send", fleet, OTA_CONSOLE_ENDPOINT=where)
        assert cloud.queued == queued


def test_wait_lists_what_failed_or_differs(cloud: Any, ota_modules: Any, fleet: str, answer: Any) -> None:
    """A rejection, and drift; exit status 3."""

    def decide(request: dict[str, Any]) -> dict[str, Any]:
        if request["ProductKey"] == "a1Demo00001":
            return {"Status": "rejected", "Code": "iot.prod.NotExistedProduct"}
        drift = {"AliasName": {"Wanted": "MCU_2", "Found": "Old"}} if "AliasName" in request else {}
        return {"Status": "existing", "Drift": drift}

    answer(decide)
    ended = ota_modules("send", fleet, "--wait")
    assert ended.status == 3
    shown = "iot.prod.NotExistedProduct", "'Old', not 'MCU_2'", "2 rejected"
    assert [words for words in shown if words not in ended.out] == []
    assert "a1Demo00002/modem" not in ended.out


def test_waiting_may_begin_after_the_sending(cloud: Any, ota_modules: Any, fleet: str, answer: Any) -> None:
    """What came before is read in the outcome queue, which keeps it; what comes later is followed.

    What came before the sending was another request's of the same Id.
    """
    queue = cloud.target.names.outcome_queue
    cloud.mailbox.subscribe(cloud.target.names.result_topic, queue)
    ota_modules("send", fleet)
    [first, *others] = cloud.requests()
    now = datetime.now(timezone.utc)
    for request, status, when in ((first, "existing", now), (others[0], "rejected", now - timedelta(minutes=1))):
        event = {"id": status, "causationid": request["Id"], "time": when.isoformat(), "data": {"Status": status}}
        cloud.mailbox.send(queue, [json.dumps(event)])
    cloud.mailbox.send(cloud.target.names.request_queue, list(map(json.dumps, others)))
    answer()
    ended = ota_modules("send", fleet, "--wait")
    assert ended.status == 0, ended.err
    assert "4 created, 1 existing" in ended.out
    assert cloud.depth(queue) == 6


@pytest.mark.parametrize("is_removed", [False, True])
def test_waiting_goes_on_where_it_stopped(
    cloud: Any, ota_modules: Any, fleet: str, answer: Any, is_removed: bool
) -> None:
    """Outcomes that come between two runs of the command are kept for the second. Its queue is made again after `clean`."""
    first = ota_modules("send", fleet, "--wait", "--timeout", "0")
    assert (first.status, "run the same command again to resume" in first.err) == (1, True)
    if is_removed:
        cloud.mailbox.subscribe(cloud.target.names.result_topic, cloud.target.names.outcome_queue)
        ota_modules("clean", "--older", "0s", "--yes")
        assert "QueueNotExist" in ota_modules("send", fleet, "--wait").err
    answer()
    second = ota_modules("send", fleet, "--wait")
    assert (second.status, "5 created" in second.out) == (0, True), second.err


def test_a_report_has_a_row_for_each_request(cloud: Any, ota_modules: Any, write: Any, answer: Any) -> None:
    """A spreadsheet takes nothing in it for a formula; verbose shows each outcome as it comes."""
    outcomes = {"a": {"Status": "created"}, "b": {"Status": "rejected", "Code": "=1+1"}}
    answer(lambda request: outcomes[request["ModuleName"]])
    manifest = write("fleet.csv", "ProductKey,ModuleName,AliasName\na1Demo00001,a,主控\na1Demo00001,b,\n")
    report = write("out.csv", "")
    assert ota_modules("send", manifest, "--report", report).status == 2
    ended = ota_modules("send", "--wait", "-v", manifest, "--report", report)
    assert (ended.status, "created   a1Demo00001/a" in ended.err) == (3, True), ended.err
    rows = csv.DictReader(Path(report).read_text(encoding="utf-8-sig").splitlines())
    shown = [(row["AliasName"], row["Status"], row["Why"]) for row in rows]
    assert shown == [("主控", "created", ""), ("", "rejected", "'=1+1")]
