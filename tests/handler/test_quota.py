"""One quota for many: on a real Valkey server, and what it lets through in virtual time."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

import pytest

from handler.clock import Clock
from handler.errors import OutOfTime
from handler.log import Log
from handler.pacing import CATCH_UP
from handler.quota import SILENCE, SharedLine, SharedQuota
from handler.store import OVERDUE, PATIENCE, PAUSE, Answer, Question, Store
from tests.simulation.valkey import Valkey
from tests.support.departures import CALL, NEVER, excess
from tests.support.fleet import BACK, GONE, RATE, Fleet, Instance, run_processes
from tests.support.valkey_server import ValkeyServer, Way
from tests.support.virtual_time import VirtualTime
from tests.support.waiting import eventually

pytestmark = pytest.mark.quiet
Turn = Callable[[ValkeyServer, Way], object]
CLOCKS_APART = 0.02
"""Seconds by which processes may misjudge the server's clock on a busy machine: ten in any second all the same."""


@pytest.fixture
def way(server: ValkeyServer) -> Iterator[Way]:
    with Way(server.port) as way:
        yield way


def test_eight_processes_share_one_quota(server: ValkeyServer) -> None:
    """Together never more than the bound, nearly all of the rate, and to each its part."""
    seconds = 5.0
    results = run_processes(8, seconds, server.url, 9)
    lost = sum(result["overslept"] for result in results)
    left = [moment for result in results for moment in result["left"]]
    assert excess(left, 9, CATCH_UP / 9 + CLOCKS_APART) <= 0
    assert len(left) + lost >= 0.9 * 9 * seconds
    fair = 9 * seconds / 8
    assert min(len(result["left"]) for result in results) + lost >= fair / 2


@pytest.mark.parametrize("rate", [9.0, 9.8])
@pytest.mark.parametrize(("latency", "trip"), [(0.05, 0.001), (0.5, 0.005), (2.0, 0.001), (0.5, 0.05)])
@pytest.mark.parametrize("processes", [1, 3])
def test_nearly_all_of_the_rate_is_used_whatever_the_latency(
    processes: int, latency: float, trip: float, rate: float
) -> None:
    """The API's up to two seconds, a store's of 50 ms; in virtual time, with wake-ups that are a little late."""
    random, valkey, left = Random(1), Valkey(), list[float]()
    time = VirtualTime(1, lambda: random.uniform(0, 0.005))

    def ask(key: str, arguments: Sequence[float]) -> Sequence[int]:
        time.clock.sleep(trip / 2)
        valkey.now = round(time.time * 1e6) + 10**12
        answer = valkey.run(key, arguments)
        time.clock.sleep(trip / 2)
        return answer

    def call(quota: SharedQuota) -> None:
        while time.time < 30:
            quota.wait(CALL, NEVER)
            left.append(time.time)
            time.clock.sleep(latency)

    for _ in range(processes):
        quota = SharedQuota("redis://store", "key", rate, rate / processes, time.clock, Log(), ask)
        for _ in range(24):
            time.spawn(partial(call, quota))
    time.run()
    assert sum(moment < 30 for moment in left) >= 0.97 * rate * 30
    assert max(sum(begin <= moment < begin + 1 for moment in left) for begin in left) <= 10


def test_keys_and_operations_do_not_wait_for_each_other(server: ValkeyServer) -> None:
    """Each operation of each key has a record of its own, named so that a cluster keeps a key's records together."""
    one = Instance(server.url, rate=0.1)
    other = Instance(server.url, rate=0.1, key="other")
    began = time.monotonic()
    one.call()
    one.call(operation="UpdateOTAModule")
    other.call()
    assert time.monotonic() - began < 9
    with server.client as client:
        names = set(client.scan_iter())
        assert names == {"{key}:CreateOTAModule", "{key}:UpdateOTAModule", "{other}:CreateOTAModule"}
        assert all(client.pttl(name) > 0 for name in names)


def test_a_slot_behind_the_deadline_is_refused_at_once_and_not_taken(server: ValkeyServer) -> None:
    instance = Instance(server.url, rate=0.1)
    instance.call()
    with server.client as client:
        before = client.hget("{key}:CreateOTAModule", "free")
        with pytest.raises(OutOfTime) as caught:
            instance.quota.wait(CALL, time.monotonic() + 1)
        assert client.hget("{key}:CreateOTAModule", "free") == before
    assert 5 < caught.value.wait <= 10


def test_a_clock_of_the_server_that_is_set_back_stops_nobody(server: ValkeyServer) -> None:
    instance = Instance(server.url)
    instance.call()
    with server.client as client:
        for name in ("seen", "free"):
            client.hincrby("{key}:CreateOTAModule", name, 3_600_000_000)
    first, second = instance.call(2)
    assert second - first < 10


def test_a_throttle_slows_every_instance(server: ValkeyServer) -> None:
    told, other = Instance(server.url, rate=10), Instance(server.url, rate=10)
    told.call()
    told.quota.throttled(CALL, 0.0)
    left = other.call(3)
    assert left[2] - left[1] >= (1 - CATCH_UP) / 7 - 0.002


def test_retry_after_holds_every_instance(server: ValkeyServer) -> None:
    told, other = Instance(server.url), Instance(server.url)
    told.call()
    began = time.monotonic()
    told.quota.throttled(CALL, 0.8)
    assert min(*other.call(), *told.call()) - began >= 0.79


def test_throttles_of_calls_that_left_before_the_slow_down_count_once(server: ValkeyServer) -> None:
    instances = [Instance(server.url), Instance(server.url)]
    for instance in instances:
        instance.call(2)
    for instance in instances:
        instance.quota.throttled(CALL, 0.0)
    with server.client as client:
        assert float(client.hget("{key}:CreateOTAModule", "rate") or 0) == pytest.approx(0.7 * RATE)


def test_accepted_calls_bring_the_shared_rate_back(server: ValkeyServer) -> None:
    instance = Instance(server.url)
    instance.call()
    instance.quota.throttled(CALL, 0.0)
    rates = []
    with server.client as client:
        for _ in range(12):
            instance.call()
            instance.quota.accepted(CALL)
            rates.append(float(client.hget("{key}:CreateOTAModule", "rate") or 0))
    assert rates == sorted(rates)
    assert 0.7 * RATE < rates[-1] <= RATE


def test_without_a_store_the_static_share_is_used_and_said_once() -> None:
    instance = Instance("redis://name:testsecret@127.0.0.1:1")
    left = instance.call(10)
    assert excess(left, RATE / 2, 2 * CATCH_UP / RATE) <= 0
    assert left[-1] - left[0] < 10
    assert instance.said(GONE) == 1
    assert "testsecret" not in "".join(instance.lines)
    assert "testsecret" not in repr(instance.quota)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (lambda server, _way: server.kill(), lambda server, _way: server.start()),
        (lambda server, _way: server.freeze(), lambda server, _way: server.thaw()),
        (lambda server, _way: server.demote(), lambda server, _way: server.promote()),
        (lambda _server, way: setattr(way, "is_cut", True), lambda _server, way: setattr(way, "is_cut", False)),
        (lambda _server, way: setattr(way, "late", 2 * PATIENCE), lambda _server, way: setattr(way, "late", 0.0)),
    ],
    ids=["killed, and back empty", "stands still", "a replica, which takes no writes", "cut off", "answers late"],
)  # fmt: skip
def test_an_outage_stops_nobody_and_leads_to_no_burst(server: ValkeyServer, way: Way, begin: Turn, end: Turn) -> None:
    """Shared, alone, returning, shared: calls go on all the time, however often the store is tried, and keep the bound."""
    with Fleet(way.url) as fleet:
        fleet.go_on()
        begin(server, way)
        eventually(lambda: fleet.all_said(GONE))
        for _ in range(3):
            fleet.go_on()
            fleet.skip(PAUSE)
        assert not any(one.said(BACK) for one in fleet.instances)
        end(server, way)
        fleet.skip(PAUSE)
        eventually(lambda: fleet.all_said(BACK))
        fleet.go_on()
        fleet.skip(PAUSE + OVERDUE)
        fleet.go_on()
    # Two processes alone keep their turns, but no longer know of each other's late wake-ups.
    assert excess(fleet.left, RATE, 2 * CATCH_UP / RATE) <= 1
    assert all((one.said(GONE), one.said(BACK)) == (1, 1) for one in fleet.instances)


def test_a_store_that_forgot_everything_leads_to_no_burst(server: ValkeyServer) -> None:
    """The slots that were given out before stay the only ones for as long as they last."""
    with Fleet(server.url) as fleet:
        for _ in range(3):
            fleet.go_on()
            with server.client as client:
                client.flushall()
        fleet.go_on()
    assert excess(fleet.left, RATE, CATCH_UP / RATE) <= 0
    assert all(one.lines == [] for one in fleet.instances)


def test_a_store_that_answers_late_but_in_time_is_relied_upon(way: Way) -> None:
    """Slots are fetched ahead: a tenth of a second is no outage, and costs no burst."""
    way.late = 0.1
    with Fleet(way.url) as fleet:
        for _ in range(3):
            fleet.go_on()
    assert excess(fleet.left, RATE, CATCH_UP / RATE + CLOCKS_APART) <= 0
    assert all(one.lines == [] for one in fleet.instances)


def test_slots_are_not_over_when_a_slow_store_answers(way: Way) -> None:
    """A lone caller has nobody whose slots lie ahead: each of its own would be lost, without an end."""
    instance = Instance(way.url)
    instance.call()
    way.late = 0.8 * PATIENCE
    for thread in instance.start(1, time.monotonic() + 2):
        thread.join()
    assert len(instance.left) >= 4
    assert excess(instance.left, RATE, CATCH_UP / RATE) <= 0
    assert instance.lines == []


def test_a_stall_of_the_process_loses_its_slots(server: ValkeyServer) -> None:
    """All threads sleep half a second too long: what they held is over, and they leave one after the other."""
    instance = Instance(server.url)
    threads = instance.start(6, time.monotonic() + 1.5)
    eventually(lambda: len(instance.left) >= 5)
    instance.watch.late = 0.5
    eventually(lambda: instance.watch.overslept >= 6)
    instance.watch.late = 0.0
    for thread in threads:
        thread.join()
    assert excess(instance.left, RATE, CATCH_UP / RATE) <= 0


class Generous(Store):
    """A store that gives out a slot at once, and the next after an interval."""

    is_settled = True

    def ask(self, key: str, question: Question) -> Answer | None:
        return Answer(0.0, 0.0, 1 / RATE, RATE, 0.0)

    def settled(self, now: float) -> bool:
        return self.is_settled


def a_line() -> tuple[SharedLine, Generous]:
    """One who waits, has been given a slot at 0.0, and for whom the clock stands still."""
    store = Generous("redis://127.0.0.1:1", Clock(), Log())
    line = SharedLine(CALL, RATE / 2, Clock(now=lambda: 0.0), RATE, store, "key")
    line._waiting.append(CALL)
    assert line._needs_slot(CALL)
    line._fetch(NEVER)
    assert not line._needs_slot(CALL)
    return line, store


def test_a_slot_that_was_missed_is_lost() -> None:
    """Used late, it would add to what others do with theirs."""
    line, _ = a_line()
    assert line._slot(CATCH_UP / RATE, 0) == CATCH_UP / RATE
    late = 1.3 / RATE
    assert line._slot(late, 0) > late
    assert line._needs_slot(CALL)


def test_two_who_wait_hold_a_slot_each_and_a_third_none() -> None:
    """What is held would be used even after a throttle."""
    line, _ = a_line()
    line._waiting.extend("bc")
    assert line._needs_slot("b")
    line._fetch(NEVER)
    assert not any(line._needs_slot(each) for each in (CALL, "b", "c"))


def test_whoever_is_back_first_takes_no_more_than_its_share() -> None:
    """A slot of the store alone would add to what the others, for which it is not yet back, take by themselves."""
    line, store = a_line()
    store.is_settled = False
    line._leave(0.0, 0.0)
    assert not line._needs_slot(CALL)
    assert line._slot(1 / RATE, 0) == 2 / RATE


def test_a_process_alone_is_silent_for_a_second_after_all_slots_that_were_given_out() -> None:
    """So no second holds calls of both kinds, whoever holds the slots. One that never had the store has waited in vain."""
    line, store = a_line()
    store.down, store.lost_at = True, 0.5
    assert line._slot(0.5, 0) == 0.5 + 1 / RATE + SILENCE
    never = SharedLine(CALL, RATE / 2, Clock(), RATE, store, "key")
    assert never._slot(0.5, 0) == 0.5
