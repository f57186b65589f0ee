"""`ota-modules send`."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

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


def wished(_request: dict[str, Any]) -> dict[str, Any]:
    return {"Status": "created"}


def test_a_manifest_of_products_and_modules_becomes_one_message_a_request(
    cloud: Any, ota_modules: Any, fleet: str
) -> None:
    """Overrides change or skip what they name; every request has an Id of its own."""
    ended = ota_modules("send", fleet)
    assert ended.status == 0, ended.err
    sent = [json.loads(body) for body in cloud.bodies(cloud.names.request_queue)]
    names = [f"{one['ProductKey']}/{one['ModuleName']} {one.get('AliasName')} {one['OnExisting']}" for one in sent]
    assert names[::2] == ["a1Demo00001/mcu MCU update", "a1Demo00002/mcu MCU_2 update", "a1Inst00001/mcu MCU update"]
    assert names[1::2] == ["a1Demo00001/modem None update", "a1Demo00002/modem None update"]
    assert len({one["Id"] for one in sent}) == 5


def test_nothing_is_sent_if_anything_is_wrong(cloud: Any, ota_modules: Any, write: Any) -> None:
    """Exit status 2, and each fault with file, line, field and rule."""
    ended = ota_modules("send", write("wrong.csv", "ProductKey,ModuleName\na1Demo00001,mcu\na1Demo00001,default\n"))
    assert ended.status == 2
    assert "wrong.csv:3: ModuleName: " in ended.out
    assert "built in" in ended.out
    assert cloud.bodies(cloud.names.request_queue) == []


def test_skip_invalid_sends_what_is_sound(cloud: Any, ota_modules: Any) -> None:
    """From standard input; exit status 3, for some of it was not sent."""
    lines = ['{"ProductKey": "a1Demo00001", "ModuleName": "mcu"}', '{"ProductKey": "a1Demo00001", "ModuleName": "a b"}']
    ended = ota_modules("send", "-", "--skip-invalid", "--json", text="\n".join(lines))
    assert ended.status == 3
    assert [json.loads(body)["ModuleName"] for body in cloud.bodies(cloud.names.request_queue)] == ["mcu"]
    assert json.loads(ended.out.splitlines()[-2])["Faults"][0]["Line"] == 2


def test_the_same_manifest_is_not_sent_twice(cloud: Any, ota_modules: Any, fleet: str) -> None:
    """Unless --again asks for it."""
    assert ota_modules("send", fleet).status == 0
    ended = ota_modules("send", fleet)
    assert (ended.status, "already sent" in ended.err) == (0, True)
    assert cloud.depth(cloud.names.request_queue) == 5
    ota_modules("send", fleet, "--again")
    assert cloud.depth(cloud.names.request_queue) == 10


def test_a_local_cloud_that_was_started_anew_is_another_one(
    cloud: Any, ota_modules: Any, fleet: str, serve: Callable[[ASGIApp], str]
) -> None:
    """It knows nothing of what was sent to the one before."""

    def console(began: float) -> str:
        none: dict[str, Any] = {"queues": {}, "streams": [], "functions": [], "lastError": None}
        state = {**none, "began": began, "calls": {"lastSecond": {}}, "outcomes": {"recent": 0, "seconds": 10}}
        return serve(Starlette(routes=[Route("/state", lambda _request: JSONResponse(state))]))

    first, second = console(1.0), console(2.0)
    for where, depth in ((first, 5), (first, 5), (second, 10)):
        ota_modules("send", fleet, OTA_CONSOLE_ENDPOINT=where)
        assert cloud.depth(cloud.names.request_queue) == depth


def test_wait_lists_what_was_not_as_wished(
    cloud: Any, ota_modules: Any, fleet: str, outcome_maker: Callable[..., None]
) -> None:
    """A rejection, and drift; exit status 3."""

    def decide(request: dict[str, Any]) -> dict[str, Any]:
        if request["ProductKey"] == "a1Demo00001":
            return {"Status": "rejected", "Code": "iot.prod.NotExistedProduct"}
        drift = {"AliasName": {"Wanted": "MCU_2", "Found": "Old"}} if "AliasName" in request else {}
        return {"Status": "existing", "Drift": drift}

    outcome_maker(decide)
    ended = ota_modules("send", fleet, "--wait")
    assert ended.status == 3
    assert "iot.prod.NotExistedProduct" in ended.out
    assert "'Old', not 'MCU_2'" in ended.out
    assert "2 rejected" in ended.out
    assert "a1Demo00002/modem" not in ended.out


def test_waiting_may_begin_after_the_sending(
    cloud: Any, ota_modules: Any, fleet: str, outcome_maker: Callable[..., None]
) -> None:
    """What came before is read in the outcome queue, which keeps it; what comes later is followed.

    What came before the sending was another request's of the same Id.
    """
    cloud.mailbox.subscribe(cloud.names.result_topic, cloud.names.outcome_queue)
    ota_modules("send", fleet)
    [first, *others] = cloud.bodies(cloud.names.request_queue)
    now = datetime.now(timezone.utc)
    for body, status, when in ((first, "existing", now), (others[0], "rejected", now - timedelta(minutes=1))):
        name = json.loads(body)["Id"]
        of_then = {"id": name, "causationid": name, "time": when.isoformat(), "data": {"Status": status}}
        cloud.mailbox.send(cloud.names.outcome_queue, [json.dumps(of_then)])
    cloud.mailbox.send(cloud.names.request_queue, others)
    outcome_maker(wished)
    ended = ota_modules("send", fleet, "--wait")
    assert ended.status == 0, ended.err
    assert "4 created, 1 existing" in ended.out
    assert cloud.depth(cloud.names.outcome_queue) == 6


def test_waiting_goes_on_where_it_stopped(
    cloud: Any, ota_modules: Any, fleet: str, outcome_maker: Callable[..., None]
) -> None:
    """Outcomes that come between two runs of the command are kept for the second."""
    first = ota_modules("send", fleet, "--wait", "--patience", "0")
    assert first.status == 1
    assert "run the same command again to resume" in first.err
    outcome_maker(wished)
    second = ota_modules("send", fleet, "--wait")
    assert second.status == 0, second.err
    assert "5 created" in second.out
