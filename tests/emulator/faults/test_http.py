"""What callers see of faults, on real connections."""

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from emulator.faults.plan import Rule
from emulator.local import LocalCloud
from emulator.ram.keys import ExpiredToken, UnknownKey
from emulator.records import Arrival, Event, Faulted


@pytest.fixture
def connection(cloud: LocalCloud) -> Iterator[HTTPConnection]:
    """A connection to the IoT API that is kept alive."""
    place = urlsplit(cloud.urls.iot)
    opened = HTTPConnection(place.hostname or "", place.port, timeout=10)
    yield opened
    opened.close()
    cloud.call(lambda parts: parts.faults.clear())


def call(connection: HTTPConnection) -> HTTPResponse:
    """Call unsigned: each call is answered with 400."""
    connection.request("POST", "/?Action=CreateOTAModule&AccessKeyId=testid")
    return connection.getresponse()


def set_rule(cloud: LocalCloud, kind: str, **more: object) -> None:
    rule = Rule.model_validate({"service": "iot", "kind": kind, "times": 1, **more})
    cloud.call(lambda parts: parts.faults.add(rule))


def count_effects(cloud: LocalCloud) -> int:
    return cloud.call(lambda parts: len(parts.iot.calls))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("kind", "error"), [("reset", ConnectionResetError), ("drop", RemoteDisconnected)])
def test_a_connection_ends_before_or_after_the_effect(
    cloud: LocalCloud, connection: HTTPConnection, kind: str, error: type[Exception], after: bool
) -> None:
    """And is recorded: what arrived, and what was done to it."""
    effects, recorded = count_effects(cloud), cloud.call(lambda parts: len(parts.records.events))
    set_rule(cloud, kind, after=after)
    with pytest.raises(error):
        call(connection)
    assert count_effects(cloud) == effects + after
    events: list[Event] = cloud.call(lambda parts: list(parts.records.events[recorded:]))
    assert [replace(event, moment=0.0) for event in events if isinstance(event, Arrival | Faulted)] == [
        Arrival("iot", "CreateOTAModule", "testid", 0.0),
        Faulted("iot", "CreateOTAModule", kind, 0, after, 0.0),
    ]


def test_an_answer_may_never_come(cloud: LocalCloud, connection: HTTPConnection) -> None:
    """Or only its headers."""
    set_rule(cloud, "headers-only")
    answer = call(connection)
    assert answer.status == 400
    connection.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        answer.read()
    connection.close()
    connection.timeout = 0.2
    set_rule(cloud, "half-open")
    with pytest.raises(TimeoutError):
        call(connection)


@pytest.mark.parametrize("ended", [False, True])
def test_an_answer_trickles_until_the_fault_ends(cloud: LocalCloud, connection: HTTPConnection, ended: bool) -> None:
    """One that is empty is complete at once."""
    set_rule(cloud, "trickle", seconds=0.01 if ended else 0.001)
    answer = call(connection)
    if ended:
        cloud.call(lambda parts: parts.faults.clear())
    assert len(answer.read()) == int(answer.headers["content-length"])
    set_rule(cloud, "empty", after=True)
    set_rule(cloud, "trickle", after=True)
    assert call(connection).read() == b""
    assert call(connection).status == 400


def test_connections_are_refused_for_a_while(cloud: LocalCloud, connection: HTTPConnection) -> None:
    set_rule(cloud, "refuse", seconds=0.3)
    for error in (ConnectionResetError, ConnectionRefusedError):
        with pytest.raises(error):
            call(connection)
        connection.close()
    cloud.wait(lambda parts: parts.network.restored())
    assert call(connection).status == 400


def test_an_idle_connection_is_closed_without_notice(cloud: LocalCloud, connection: HTTPConnection) -> None:
    set_rule(cloud, "close-idle", seconds=0.0)
    answer = call(connection)
    answer.read()
    assert answer.headers["connection"] is None
    with pytest.raises((ConnectionError, RemoteDisconnected)):
        for _call in range(1_000):
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            call(connection).read()


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"kind": "status", "status": 504}, 504, '{"RequestId":"[-0-9A-F]+","HostId".*"Code":"GatewayTimeout".*'),
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
    cloud: LocalCloud, connection: HTTPConnection, rule: dict[str, Any], status: int, body: str
) -> None:
    effects = count_effects(cloud)
    set_rule(cloud, **rule)
    answer = call(connection)
    assert (answer.status, answer.headers["x-acs-retry-after"]) == (status, rule.get("retry_after"))
    assert re.fullmatch(body, answer.read().decode())
    assert count_effects(cloud) == effects


def test_a_call_arrives_twice(cloud: LocalCloud, connection: HTTPConnection) -> None:
    effects = count_effects(cloud)
    set_rule(cloud, "twice")
    call(connection).read()
    assert count_effects(cloud) == effects + 2


@pytest.mark.parametrize(("kind", "error"), [("expire", ExpiredToken), ("revoke", UnknownKey)])
def test_keys_expire_and_are_revoked(cloud: LocalCloud, kind: str, error: type[Exception]) -> None:
    key = cloud.call(lambda parts: parts.accounts.issue("ota-modules"))
    set_rule(cloud, kind)
    httpx.post(f"{cloud.urls.iot}/?Action=CreateOTAModule&AccessKeyId={key.id}")
    with pytest.raises(error):
        cloud.call(lambda parts: parts.accounts.authenticate(key.id, key.token))


def test_a_wrong_clock_shows_in_the_date_of_an_answer(cloud: LocalCloud, connection: HTTPConnection) -> None:
    set_rule(cloud, "clock", amount=-600)
    [date] = call(connection).headers.get_all("Date") or []
    assert -660 < parsedate_to_datetime(date).timestamp() - time.time() < -540
