"""Threads: tasks side by side."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from handler.log import Log
from handler.pacing import CATCH_UP, Pacer
from handler.quota import SharedQuota
from handler.threads import MOST, SPARE, Threads
from tests.support.departures import excess
from tests.support.fleet import Watch
from tests.support.valkey_server import ValkeyServer


def test_tasks_run_side_by_side_on_at_most_so_many_threads() -> None:
    """And all have ended when it returns."""
    barrier, names = threading.Barrier(4, timeout=10), list[str]()

    def task() -> None:
        barrier.wait()
        names.append(threading.current_thread().name)

    Threads(4)([task] * 16)
    assert (len(names), len(set(names))) == (16, 4)


@pytest.mark.parametrize(("waiting", "seconds", "most"), [(0, 0.0, 1), (SPARE, 0.02, 1), (SPARE - 1, 0.02, 16)])
def test_a_thread_joins_in_only_where_the_others_are_busy(waiting: int, seconds: float, most: int) -> None:
    """Neither where tasks end at once, nor where enough wait for the quota: threads would take the processor from each other."""
    names: set[str] = set()

    def task() -> None:
        names.add(threading.current_thread().name)
        time.sleep(seconds)

    Threads(16, lambda: waiting)([task] * 40)
    assert (1 < len(names) <= most) if most > 1 else len(names) == 1


@pytest.mark.quiet
@pytest.mark.parametrize("shared", [False, True])
def test_no_slot_of_the_quota_is_lost_while_calls_take_long(server: ValkeyServer, *, shared: bool) -> None:
    """At least 97 % of the rate, of one process and with a store, and never more than the bound."""
    rate, left, watch = 20.0, list[float](), Watch(math.inf)
    alone = Pacer(rate, watch.clock)
    quota = SharedQuota(server.url, "key", rate, rate, watch.clock, Log("ERROR")) if shared else alone

    def task() -> None:
        quota.wait("call", math.inf)
        left.append(watch.last)
        time.sleep(0.7)

    Threads.for_rate(rate, quota.waiting)([task] * 40)
    assert (len(left) - 1) / rate >= 0.97 * (max(left) - min(left))
    assert excess(left, rate, CATCH_UP / rate) <= 0


def test_a_call_does_not_wait_for_the_threads_of_another() -> None:
    """Two requests side by side in one instance (FC 2.0): the second has a timeout of its own."""
    pool, busy, over, ended = Threads(2), threading.Barrier(3, timeout=10), threading.Event(), list[bool]()

    def wait() -> None:
        over.wait(10)

    def occupy() -> None:
        busy.wait()
        wait()

    with ThreadPoolExecutor() as callers:
        callers.submit(pool, [occupy, occupy, wait])
        busy.wait()
        callers.submit(pool, [wait, wait])
        pool([lambda: ended.append(over.is_set())] * 3)
        over.set()
    assert ended == [False] * 3


def test_one_task_runs_in_the_callers_thread_and_none_in_no_thread() -> None:
    names: list[str] = []
    Threads(3)([lambda: names.append(threading.current_thread().name)])
    Threads(3)([])
    assert names == [threading.current_thread().name]


def test_threads_are_enough_for_the_rate_at_two_seconds_latency_and_bounded() -> None:
    """Nine a second, each busy for up to six seconds; a rate without limit starts no thousand threads."""
    assert Threads.for_rate(9)._most == 54
    assert Threads.for_rate(1_000_000)._most == MOST
    assert Threads.for_rate(0.5)._most >= 3
