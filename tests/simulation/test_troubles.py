"""A queue that takes a part, keys that expire, calls that hold on: what becomes of the requests of one delivery."""

import pytest

from handler.iot import CREATE
from tests.simulation.modules import GOOD, State
from tests.simulation.plan import Plan
from tests.simulation.script import changed, message, statuses, wish, world
from tests.simulation.troubles import Window
from tests.simulation.world import World

CREATED = {("created",)}


def crowd(plan: Plan, count: int) -> World:
    """So many requests for new modules, eight a product, one a message."""
    letters = [message(wish(number, f"m{number % 8}", product=f"p{number // 8}")) for number in range(1, count + 1)]
    products: dict[tuple[str, str], dict[str, State]] = {(GOOD, f"p{place}"): {} for place in range(count // 8 + 1)}
    return world(plan, *letters, modules=products)


@pytest.mark.parametrize("taken", [[0, 0], [1, 0, 0], [5, 1, 0, 2], [3] * 40, [1, *[0] * 150]])
def test_a_queue_that_takes_a_part_gets_the_rest_and_no_more(taken: list[int]) -> None:
    """What goes back goes back once, in as many messages as it came in, though the queue refuses some for a while."""
    run = crowd(changed(max_attempts=2), 20)
    run.troubles.break_api(Window(0.0, 30.0))
    run.post.taken = taken
    assert set(map(tuple, statuses(run.run()).values())) == CREATED


def test_keys_that_expire_cost_no_attempt() -> None:
    """In the middle of a delivery, which comes again whole and gets others: nothing else could be told to the queue."""
    run = crowd(changed(max_attempts=1), 60)
    run.troubles.expire_tokens(4.0)
    said = statuses(run.run())
    assert {status for each in said.values() for status in each} == {"created", "existing"}
    assert sum("created" in each for each in said.values()) > 50
    assert max(history.deliveries for history in run.records.asked.values()) == 2


def test_calls_that_hold_on_until_the_deadline_keep_nobody_from_going_back() -> None:
    """No answer comes for as long as there is time: all threads wait, and whoever was never called loses nothing by it."""
    run = crowd(changed(max_attempts=1, timeout=12.0), 100)
    run.cloud.script = {(CREATE, f"m{place}"): ["lost"] * 6 for place in range(8)}
    assert set(map(tuple, statuses(run.run()).values())) == CREATED
    first = [history for history in run.records.asked.values() if min(each.number for each in history.invocations) == 1]
    called = [history for history in first if history.doubts]
    assert 0 < len(called) < len(first), "else no request waited behind those that held on"
