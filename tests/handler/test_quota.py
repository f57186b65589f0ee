"""One quota for many: on a real Valkey server, and what it lets through in virtual time."""

import time
from collections.abc import Sequence
from functools import partial
from random import Random

import pytest

from handler.clock import Clock
from handler.errors import OutOfTime
from handler.log import Log
from handler.pacing import CATCH_UP
from handler.quota import SILENCE, SharedLine, SharedQuota
from handler.store import PATIENCE, Answer, Question, Store
from tests.simulation.valkey import Valkey
from tests.support.departures import CALL, NEVER, excess
from tests.support.fleet import GONE, RATE, Instance, run_processes
from tests.support.valkey_server import ValkeyServer
from tests.support.virtual_time import VirtualTime

pytestmark = pytest.mark.quiet
RECORD = "{key}:CreateOTAModule"
CLOCKS_APART = 0.02
"""Seconds by which processes may misjudge the server's clock on a busy machine: ten in any second all the same."""


def test_eight_processes_share_one_quota(server: ValkeyServer) -> None:
    """Together never more than the bound, nearly all of the rate, and to each its part."""
    results = run_processes(8, 5.0, server.url, 9)
    lost = sum(result["overslept"] for result in results)
    left = [moment for result in results for moment in result["left"]]
    assert excess(left, 9, CATCH_UP / 9 + CLOCKS_APART) <= 0
    assert len(left) + lost >= 0.9 * 9 * 5.0
    assert min(len(result["left"]) for result in results) + lost >= 9 * 5.0 / 8 / 2


def share(processes: int, rate: float, latency: float, trip: float, forgotten_at: Sequence[float] = ()) -> list[float]:
    """Return when calls leave in 30 s of virtual time: 24 threads a process, late wake-ups, and a store that forgets all."""
    valkey, left, time = Valkey(), list[float](), VirtualTime(1, partial(Random(1).uniform, 0, 0.005))

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

    for moment in forgotten_at:
        time.spawn(valkey.forget, at=moment)
    for _ in range(processes):
        quota = SharedQuota("redis://store", "key", rate, rate / processes, time.clock, Log(), ask)
        for _ in range(24):
            time.spawn(partial(call, quota))
    time.run()
    return [moment for moment in left if moment < 30]


@pytest.mark.parametrize("rate", [9.0, 9.8])
@pytest.mark.parametrize(("latency", "trip"), [(0.05, 0.001), (0.5, 0.005), (2.0, 0.001), (0.5, 0.05)])
@pytest.mark.parametrize("processes", [1, 3])
def test_nearly_all_of_the_rate_is_used_whatever_the_latency(
    processes: int, latency: float, trip: float, rate: float
) -> None:
    """The API's up to two seconds, a store's of 50 ms."""
    left = share(processes, rate, latency, trip)
    assert len(left) >= 0.97 * rate * 30
    assert max(sum(begin <= moment < begin + 1 for moment in left) for begin in left) <= 10


def test_slots_are_not_over_when_a_slow_store_answers() -> None:
    """A lone caller has nobody whose slots lie ahead: each of its own would be lost, without an end."""
    assert len(share(1, 9.0, 0.05, 0.8 * PATIENCE)) >= 0.5 * 9 * 30


def test_a_store_that_forgets_everything_leads_to_no_burst() -> None:
    """The slots that were given out before stay the only ones for as long as they last."""
    left = share(2, RATE, 0.05, 0.001, forgotten_at=(5.0, 8.1, 8.2, 20.0))
    assert excess(left, RATE, CATCH_UP / RATE) <= 0
    assert len(left) >= RATE * (30 - 4 * (SILENCE + 0.5))


def test_keys_and_operations_do_not_wait_for_each_other(server: ValkeyServer) -> None:
    """Each operation of each key has a record of its own, named so that a cluster keeps a key's records together."""
    one, other = Instance(server.url, rate=0.1), Instance(server.url, rate=0.1, key="other")
    began = time.monotonic()
    for instance, operation in ((one, CALL), (one, "UpdateOTAModule"), (other, CALL)):
        instance.call(operation=operation)
    assert time.monotonic() - began < 9
    names = server.run("KEYS", "*")
    assert {*names} == {"{key}:CreateOTAModule", "{key}:UpdateOTAModule", "{other}:CreateOTAModule"}
    assert all(server.run("PTTL", name) > 0 for name in names)


def test_a_slot_behind_the_deadline_is_refused_at_once_and_not_taken(server: ValkeyServer) -> None:
    instance = Instance(server.url, rate=0.1)
    instance.call()
    before = server.run("HGET", RECORD, "free")
    with pytest.raises(OutOfTime) as caught:
        instance.quota.wait(CALL, time.monotonic() + 1)
    assert 5 < caught.value.wait <= 10
    assert server.run("HGET", RECORD, "free") == before


def test_a_throttle_holds_and_slows_every_instance_once_until_calls_are_accepted(server: ValkeyServer) -> None:
    """Of the throttles that answer calls from before the slow-down, one counts."""
    one, other = Instance(server.url, rate=10), Instance(server.url, rate=10)
    one.call()
    other.call()
    began = time.monotonic()
    one.quota.throttled(CALL, 0.8)
    other.quota.throttled(CALL, 0.0)
    left, rates = other.call(3), list[float]()
    assert left[2] - left[1] >= (1 - CATCH_UP) / 7 - 0.002
    assert min(*left, *one.call()) - began >= 0.79
    for _ in range(4):
        rates.append(float(server.run("HGET", RECORD, "rate")))
        one.call()
        one.quota.accepted(CALL)
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(7)
    assert 7.1 < rates[-1] <= 10


def test_without_a_store_the_static_share_is_used_and_said_once() -> None:
    instance = Instance("redis://name:testsecret@127.0.0.1:1")
    left = instance.call(10)
    assert excess(left, RATE / 2, 2 * CATCH_UP / RATE) <= 0
    assert left[-1] - left[0] < 10
    assert [GONE in line for line in instance.lines] == [True]
    assert "testsecret" not in f"{instance.lines} {instance.quota!r}"


class Generous(Store):
    """A store that gives out a slot at once, and the next after an interval."""

    def ask(self, key: str, question: Question) -> Answer | None:
        return Answer(0.0, 0.0, 1 / RATE, RATE, 0.0)


def make_line() -> tuple[SharedLine, Store]:
    """Make a line in which one waits who was given a slot at 0.0; the clock stands still."""
    store = Generous("redis://127.0.0.1:1", Clock(), Log())
    line = SharedLine(CALL, RATE / 2, Clock(now=lambda: 0.0), RATE, store, "key")
    line._waiting.append(CALL)
    assert line._needs_slot(CALL)
    line._fetch(NEVER)
    assert not line._needs_slot(CALL)
    return line, store


def test_a_slot_is_used_in_time_or_lost() -> None:
    """Used late, it would add to what others do with theirs."""
    line, _ = make_line()
    assert line._slot(CATCH_UP / RATE, 0) == CATCH_UP / RATE
    late = 1.3 / RATE
    assert line._slot(late, 0) > late
    assert line._needs_slot(CALL)


def test_two_who_wait_hold_a_slot_each_and_a_third_none() -> None:
    """What is held would be used even after a throttle."""
    line, _ = make_line()
    line._waiting.extend("bc")
    assert line._needs_slot("b")
    line._fetch(NEVER)
    assert not any(line._needs_slot(each) for each in (CALL, "b", "c"))


def test_whoever_is_back_first_takes_no_more_than_its_share() -> None:
    """A slot of the store alone would add to what the others, for which it is not yet back, take by themselves."""
    line, store = make_line()
    store._settled_at = NEVER
    line._leave(0.0, 0.0)
    assert not line._needs_slot(CALL)
    assert line._slot(1 / RATE, 0) == 2 / RATE


def test_a_process_alone_is_silent_for_a_second_after_all_slots_that_were_given_out() -> None:
    """So no second holds calls of both kinds, whoever holds the slots. One that never had the store has waited in vain."""
    line, store = make_line()
    store.down, store.lost_at = True, 0.5
    assert line._slot(0.5, 0) == 0.5 + 1 / RATE + SILENCE
    never = SharedLine(CALL, RATE / 2, Clock(), RATE, store, "key")
    assert never._slot(0.5, 0) == 0.5
