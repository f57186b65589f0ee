"""What callers see of faults, on real connections."""

import http.client
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from emulator.cloud import Options
from emulator.faults.plan import Plan, Rule
from emulator.local import LocalCloud, local_cloud
from emulator.ram.keys import ExpiredToken, UnknownKey
from emulator.records import Arrival, Faulted

SECONDS = 1.0
"""Timeout of the callers."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0)) as running:
        yield running


class Caller:
    """A connection to the IoT API that is kept alive. Its calls are unsigned: each is answered with 400."""

    def __init__(self, cloud: LocalCloud) -> None:
        place = urlsplit(cloud.urls.iot)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SECONDS)

    def call(self) -> http.client.HTTPResponse:
        self._connection.request("POST", "/?Action=CreateOTAModule&AccessKeyId=testid")
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def caller(cloud: LocalCloud) -> Iterator[Caller]:
    made = Caller(cloud)
    yield made
    made.close()
    cloud.call(lambda parts: parts.faults.clear())


def set_rule(cloud: LocalCloud, kind: str, **more: object) -> None:
    rule = Rule.model_validate({"service": "iot", "kind": kind, "times": 1, **more})
    cloud.call(lambda parts: parts.faults.add(rule))


def effects(cloud: LocalCloud) -> int:
    return cloud.call(lambda parts: len(parts.iot.calls))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("kind", "error"), [("reset", ConnectionResetError), ("drop", http.client.RemoteDisconnected)])
def test_a_connection_ends_before_or_after_the_effect(
    cloud: LocalCloud, caller: Caller, kind: str, error: type[Exception], after: bool
) -> None:
    before = effects(cloud)
    set_rule(cloud, kind, after=after)
    with pytest.raises(error):
        caller.call()
    assert effects(cloud) == before + after


def test_an_answer_may_never_come(cloud: LocalCloud, caller: Caller) -> None:
    """Or only its headers."""
    set_rule(cloud, "headers-only")
    answer = caller.call()
    assert answer.status == 400
    with pytest.raises(TimeoutError):
        answer.read()
    caller.close()
    set_rule(cloud, "half-open")
    with pytest.raises(TimeoutError):
        caller.call()


@pytest.mark.parametrize("ended", [False, True])
def test_an_answer_trickles_until_the_fault_ends(cloud: LocalCloud, caller: Caller, ended: bool) -> None:
    set_rule(cloud, "trickle", seconds=0.01 if ended else 0.001)
    answer = caller.call()
    if ended:
        cloud.call(lambda parts: parts.faults.clear())
    assert len(answer.read()) == int(answer.headers["content-length"])


def test_an_empty_answer_is_complete_at_once(cloud: LocalCloud, caller: Caller) -> None:
    empty, trickle = (Rule(service="iot", kind=kind, after=True, times=1) for kind in ("empty", "trickle"))
    cloud.call(lambda parts: parts.faults.set(Plan(rules=(empty, trickle))))
    assert caller.call().read() == b""
    assert caller.call().status == 400


def test_connections_are_refused_for_a_while(cloud: LocalCloud, caller: Caller) -> None:
    set_rule(cloud, "refuse", seconds=0.3)
    with pytest.raises(ConnectionResetError):
        caller.call()
    caller.close()
    with pytest.raises(ConnectionRefusedError):
        caller.call()
    caller.close()
    cloud.wait(lambda parts: parts.network.restored())
    assert caller.call().status == 400


def test_an_idle_connection_is_closed_without_notice(cloud: LocalCloud, caller: Caller) -> None:
    set_rule(cloud, "close-idle", seconds=0.0)
    answer = caller.call()
    answer.read()
    assert answer.headers["connection"] is None
    end = time.monotonic() + 5
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        while time.monotonic() < end:
            caller._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            caller.call().read()


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        (
            {"kind": "status", "status": 504},
            504,
            '{"RequestId":"[-0-9A-F]+","HostId":"127.0.0.1","Code":"GatewayTimeout".*',
        ),
        ({"kind": "html", "status": 502}, 502, "<html>.*"),
        ({"kind": "empty", "status": 200}, 200, ""),
        ({"kind": "huge", "status": 200}, 200, '{"Success":true,"Padding":"x+"}'),
        ({"kind": "deny"}, 403, '.*"Code":"Forbidden.RAM".*'),
        ({"kind": "overdue"}, 200, '.*"Success":false,"Code":"iot.system.BillIsOverDue".*'),
        ({"kind": "unknown-code", "code": "iot.x"}, 200, '.*"Success":false,"Code":"iot.x".*'),
        ({"kind": "throttle", "retry_after": "soon"}, 400, '.*"Code":"Throttling.User".*'),
    ],
    ids=str,
)
def test_an_answer_comes_in_place_of_the_services_own(
    cloud: LocalCloud, caller: Caller, rule: dict[str, Any], status: int, body: str
) -> None:
    before = effects(cloud)
    set_rule(cloud, **rule)
    answer = caller.call()
    assert (answer.status, answer.headers["x-acs-retry-after"]) == (status, rule.get("retry_after"))
    assert re.fullmatch(body, answer.read().decode())
    assert effects(cloud) == before


def test_a_call_arrives_twice(cloud: LocalCloud, caller: Caller) -> None:
    before = effects(cloud)
    set_rule(cloud, "twice")
    caller.call().read()
    assert effects(cloud) == before + 2


@pytest.mark.parametrize(("kind", "error"), [("expire", ExpiredToken), ("revoke", UnknownKey)])
def test_keys_expire_and_are_revoked(cloud: LocalCloud, kind: str, error: type[Exception]) -> None:
    key = cloud.call(lambda parts: parts.accounts.issue("ota-modules"))
    set_rule(cloud, kind)
    httpx.post(f"{cloud.urls.iot}/?Action=CreateOTAModule&AccessKeyId={key.id}")
    with pytest.raises(error):
        cloud.call(lambda parts: parts.accounts.authenticate(key.id, key.token))


def test_arrivals_and_faults_are_recorded(cloud: LocalCloud, caller: Caller) -> None:
    set_rule(cloud, "drop")
    count = cloud.call(lambda parts: len(parts.records.events))
    with pytest.raises(http.client.RemoteDisconnected):
        caller.call()
    events: list[Any] = cloud.call(lambda parts: list(parts.records.events[count:]))
    assert [replace(event, moment=0.0) for event in events] == [
        Arrival("iot", "CreateOTAModule", "testid", 0.0),
        Faulted("iot", "CreateOTAModule", "drop", 0, False, 0.0),
    ]


def test_a_wrong_clock_shows_in_the_date_of_an_answer(cloud: LocalCloud, caller: Caller) -> None:
    set_rule(cloud, "clock", amount=-600)
    answer = caller.call()
    shown = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert -660 < shown - time.time() < -540
    assert len(answer.headers.get_all("Date") or []) == 1
