"""What callers see of a service that misbehaves, on real connections."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from emulator.cloud import Options
from emulator.faults.plan import Plan, Rule
from emulator.local import LocalCloud, local_cloud
from emulator.records import Arrival, Spoiled

SECONDS = 1.0
"""How long a caller waits here for what will not come."""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0)) as running:
        yield running


class Caller:
    """A connection to the IoT API that is kept alive. Its calls are not let in: any answer is as good as another."""

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
    """Calls that reached the service."""
    return cloud.call(lambda parts: len(parts.iot.calls))


@pytest.mark.parametrize("after", [False, True])
def test_a_reset_comes_before_or_after_the_effect(cloud: LocalCloud, caller: Caller, after: bool) -> None:
    """As the kernel says it: ECONNRESET."""
    before = effects(cloud)
    set_rule(cloud, "reset", after=after)
    with pytest.raises(ConnectionResetError):
        caller.call()
    assert effects(cloud) == before + after


@pytest.mark.parametrize("after", [False, True])
def test_a_dropped_reply_is_a_connection_that_ends(cloud: LocalCloud, caller: Caller, after: bool) -> None:
    """Without a byte."""
    before = effects(cloud)
    set_rule(cloud, "drop", after=after)
    with pytest.raises(http.client.RemoteDisconnected):
        caller.call()
    assert effects(cloud) == before + after


def test_a_half_open_peer_says_nothing_any_more(cloud: LocalCloud, caller: Caller) -> None:
    """Neither an answer nor an end."""
    set_rule(cloud, "half-open")
    with pytest.raises(TimeoutError):
        caller.call()


def test_headers_come_and_then_nothing(cloud: LocalCloud, caller: Caller) -> None:
    """The status is known, the body never comes."""
    set_rule(cloud, "headers-only")
    answer = caller.call()
    assert answer.status == 400
    with pytest.raises(TimeoutError):
        answer.read()


def test_an_answer_trickles(cloud: LocalCloud, caller: Caller) -> None:
    """Byte by byte, and complete in the end."""
    set_rule(cloud, "trickle", seconds=0.001)
    answer = caller.call()
    assert len(answer.read()) == int(answer.headers["content-length"])


def test_an_answer_with_nothing_in_it_has_nothing_to_trickle(cloud: LocalCloud, caller: Caller) -> None:
    """It ends all the same, on a connection that goes on."""
    empty, trickle = (Rule(service="iot", kind=kind, after=True, times=1) for kind in ("empty", "trickle"))
    cloud.call(lambda parts: parts.faults.set(Plan(rules=(empty, trickle))))
    assert caller.call().read() == b""
    assert caller.call().status == 400


def test_what_is_left_of_a_trickle_comes_at_once_when_the_fault_ends(cloud: LocalCloud, caller: Caller) -> None:
    """Nobody waits for a fault that is over."""
    set_rule(cloud, "trickle", seconds=0.01)
    answer = caller.call()
    cloud.call(lambda parts: parts.faults.clear())
    assert len(answer.read()) == int(answer.headers["content-length"])


def test_connections_are_refused_for_a_while(cloud: LocalCloud, caller: Caller) -> None:
    """As the kernel says it: ECONNREFUSED; then the server is there again."""
    set_rule(cloud, "refuse", seconds=0.3)
    with pytest.raises(ConnectionResetError):
        caller.call()
    caller.close()
    with pytest.raises(ConnectionRefusedError):
        caller.call()
    caller.close()
    cloud.wait(lambda parts: parts.network.restored())
    assert caller.call().status == 400


def test_an_idle_connection_is_closed_without_a_word(cloud: LocalCloud, caller: Caller) -> None:
    """The answer did not say so: whoever uses it again finds out."""
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
    ("kind", "status", "beginning"),
    [
        ("status", 504, b'{"RequestId"'),
        ("html", 502, b"<html>"),
        ("empty", 200, b""),
        ("huge", 200, b'{"Success":true'),
        ("deny", 403, b'{"RequestId"'),
        ("overdue", 200, b'{"RequestId"'),
    ],
)
def test_another_answer_comes_in_place_of_the_services_own(
    cloud: LocalCloud, caller: Caller, kind: str, status: int, beginning: bytes
) -> None:
    """Before the effect, if not told otherwise."""
    before = effects(cloud)
    set_rule(cloud, kind, status=status)
    answer = caller.call()
    body = answer.read()
    assert (answer.status, body[: len(beginning)]) == (status, beginning)
    assert bool(body) == bool(beginning)
    assert effects(cloud) == before


def test_arrears_are_told_as_the_api_tells_them(cloud: LocalCloud, caller: Caller) -> None:
    """In the body of an answer that looks like any other."""
    set_rule(cloud, "overdue")
    answer = json.loads(caller.call().read())
    assert (answer["Success"], answer["Code"]) == (False, "iot.system.BillIsOverDue")


def test_a_throttle_says_what_it_is_told_to(cloud: LocalCloud, caller: Caller) -> None:
    """Whatever a caller may make of it."""
    set_rule(cloud, "throttle", retry_after="soon")
    answer = caller.call()
    assert answer.headers["x-acs-retry-after"] == "soon"
    assert b"Throttling" in answer.read()


def test_a_call_arrives_twice(cloud: LocalCloud, caller: Caller) -> None:
    """The second one's answer comes back."""
    before = effects(cloud)
    set_rule(cloud, "twice")
    caller.call().read()
    assert effects(cloud) == before + 2


def test_keys_expire_and_are_revoked(cloud: LocalCloud) -> None:
    """From one call to the next."""
    accounts = cloud.cloud.accounts
    key, other = (cloud.call(lambda parts: parts.accounts.issue("ota-modules")) for _ in range(2))
    accounts.expire(key.id)
    accounts.revoke(other.id)
    for each, reason in ((key, "ExpiredToken"), (other, "UnknownKey")):
        with pytest.raises(Exception, match=each.id) as caught:
            accounts.authenticate(each.id, each.token)
        assert type(caught.value).__name__ == reason


def test_arrivals_are_recorded_before_anything_happens_to_them(cloud: LocalCloud, caller: Caller) -> None:
    """Those too that have no effect."""
    set_rule(cloud, "drop")
    count = cloud.call(lambda parts: len(parts.records.events))
    with pytest.raises(http.client.RemoteDisconnected):
        caller.call()
    arrival, spoiled = cloud.call(lambda parts: parts.records.events[count:])
    assert isinstance(arrival, Arrival)
    assert (arrival.service, arrival.operation, arrival.key) == ("iot", "CreateOTAModule", "testid")
    assert isinstance(spoiled, Spoiled)
    assert (spoiled.operation, spoiled.fault, spoiled.status, spoiled.reached) == ("CreateOTAModule", "drop", 0, False)


def test_a_wrong_clock_shows_in_the_date_of_an_answer(cloud: LocalCloud, caller: Caller) -> None:
    """As in GmtCreate: whoever compares the two sees one clock."""
    set_rule(cloud, "clock", amount=-600)
    answer = caller.call()
    shown = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    assert -660 < shown - time.time() < -540
    assert len(answer.headers.get_all("Date") or []) == 1
