"""Companies, orders of events and troubles in which something once went wrong, one behaviour a test."""

import pytest

from handler.iot import CREATE, LIST, UPDATE
from tests.simulation.account import GOOD, NONE, OVERDUE, WRONG
from tests.simulation.answers import FORBIDDEN
from tests.simulation.script import array, crowd, statuses, wish, world
from tests.simulation.troubles import Denial, Window
from tests.simulation.workload import NO_JSON, NO_NAME, NO_NUMBER, TOO_DEEP, TWICE, Asked, broken


def _good(first: int, last: int, **fields: str) -> list[Asked]:
    return [wish(number, f"m{number}", instance=GOOD, **fields) for number in range(first, last + 1)]


def _created(*numbers: int) -> dict[int, list[str]]:
    return {number: ["created"] for number in numbers}


@pytest.mark.parametrize(
    ("default", "named", "status"), [(NONE, NONE, "rejected"), (WRONG, NONE, "failed"), (GOOD, WRONG, "rejected")]
)
def test_a_request_of_a_wrong_instance_harms_no_other(default: str, named: str, status: str) -> None:
    """It is its own fault unless the setting is wrong; those that name a good instance are created in any case."""
    ends = statuses(world(wish(1, instance=named), *_good(2, 5), default=default, max_age=600.0))
    assert ends == {1: [status], **_created(2, 3, 4, 5)}


def test_arrears_of_one_instance_keep_no_other_from_calling() -> None:
    """And the request of that instance is given up after its time, with a dead letter."""
    run = world(array(wish(1, instance=OVERDUE), *_good(2, 10)), max_age=600.0)
    assert statuses(run) == {1: ["failed"], **_created(*range(2, 11))}
    assert run.records.asked[1].letters == {0}


def test_a_list_that_another_request_was_refused_says_nothing_of_this_one() -> None:
    """A module whose creation got no answer is read back, although the other's instance could not be."""
    script = {(CREATE, "m"): ["busy"], (CREATE, "m2"): ["lost reply"]}
    run = world(wish(1), wish(2, "m2", instance=GOOD), script=script, default=WRONG, max_age=600.0)
    assert statuses(run)[2] == ["created"]


@pytest.mark.parametrize(("lists", "timeout"), [(["lost"] * 4, 60.0), ([], 6.0)], ids=["silent API", "deadline"])
@pytest.mark.parametrize(("policy", "status"), [("keep", "existing"), ("fail", "rejected")])
def test_a_module_of_yesterday_is_not_created(policy: str, status: str, lists: list[str], timeout: float) -> None:
    """The first delivery hears nothing of its call; the next sees a module that is too old to be of its making."""
    script = {(CREATE, "m"): ["lost"], (LIST, "a1"): [*lists]}
    run = world(wish(1, OnExisting=policy), script=script, yesterdays="alias1", timeout=timeout)
    assert statuses(run)[1] == [status]


def test_a_missing_permission_stops_only_who_needs_it() -> None:
    """An update that may not be made goes back by itself, and costs the others nothing."""
    others = _good(2, 9, product="a2", OnExisting="fail")
    ends = statuses(world(wish(1, OnExisting="update"), *others, yesterdays="old", forbidden=UPDATE, max_age=600.0))
    assert ends == {1: ["failed"], **_created(*range(2, 10))}


def test_a_permission_that_comes_back_costs_no_attempt() -> None:
    """Requests wait for it, however few attempts they have."""
    run = world(wish(1), wish(2, "m2"), max_attempts=1)
    run.troubles.denials.append(Denial(Window(0.0, 1800.0), FORBIDDEN, action=CREATE))
    assert statuses(run) == _created(1, 2)


@pytest.mark.parametrize("text", [NO_JSON, NO_NAME])
def test_a_message_that_is_no_request_makes_no_other_forget(text: str) -> None:
    """While the topic takes nothing, all go back with what is known of them, and nothing is delivered again."""
    run = world(wish(1, OnExisting="fail"), wish(2, "m2"), broken(9, text))
    run.troubles.topic_outages.append(Window(0.0, 100.0))
    assert statuses(run) == {**_created(1, 2), 9: ["rejected"]}


def test_a_delivery_takes_on_what_it_can_finish() -> None:
    """Forty messages of fifty requests each: the queue never grows, and every delivery finishes some."""
    arrays = (
        array(*(wish(50 * part + each, f"m{each % 8}", product=f"p{each // 8}-{part}") for each in range(1, 51)))
        for part in range(40)
    )
    run = world(*arrays, latency=0.02, max_attempts=1)
    assert statuses(run) == _created(*range(1, 2001))
    first = min(run.records.asked[1].invocations | run.records.asked[51].invocations, key=lambda each: each.number)
    assert first.untouched, "it took on more than it has time for"


def test_created_after_failed_is_news() -> None:
    """A dead letter that is sent again has outcomes with another id."""
    run = world(wish(1, Id="order-1"), script={(CREATE, "m"): ["busy"] * 5}, replays=1.0, max_attempts=1)
    assert statuses(run)[1] == ["failed", "created"]
    assert len({event["id"] for event in run.records.asked[1].events}) == 2


@pytest.mark.parametrize("seed", range(4))
def test_a_list_that_fails_says_nothing_of_the_product(seed: int) -> None:
    """Whatever code it gives: the module that the call without an answer made is found."""
    script = {(CREATE, "m"): ["lost reply"], (LIST, "a1"): ["refused"]}
    assert statuses(world(wish(1), script=script, seed=seed)) == _created(1)


def test_a_refusal_is_not_believed_while_a_call_may_still_work() -> None:
    """The first call takes its effect late, the second is refused, and no list shows the module yet."""
    script = {(CREATE, "m"): ["late", "refused", "refused", "refused"]}
    assert statuses(world(wish(1), script=script)) == _created(1)


def test_an_older_update_never_overwrites_a_newer_one() -> None:
    """Behind a request that is not finished wait all others for its module, and go back with it."""
    updates = array(wish(1, OnExisting="update", Desc="first"), wish(2, OnExisting="update", Desc="second"))
    run = world(updates, script={(UPDATE, "m"): ["busy"] * 5}, yesterdays="old")
    assert statuses(run) == {1: ["updated"], 2: ["updated"]}
    assert run.account.products[GOOD, "a1"]["m"].states[-1].desc == "second"


def test_half_an_hour_of_outage_is_survived() -> None:
    """With ten attempts, which is the default."""
    run = world(wish(1), wish(2, "m2"), max_attempts=10)
    run.troubles.api_outages.append(Window(0.0, 1500.0))
    assert statuses(run) == _created(1, 2)


@pytest.mark.parametrize("element", [TWICE, NO_NUMBER, TOO_DEEP], ids=["a field twice", "NaN", "too deep"])
def test_one_element_that_is_wrong_silences_no_other(element: str) -> None:
    """The others of its array have outcomes of their own."""
    run = world(array(wish(1, Id="order-1"), wish(2, "m2"), broken(9, element)))
    assert statuses(run) == {**_created(1, 2), 9: ["rejected"]}


def test_a_fault_of_the_functions_own_is_not_for_ever() -> None:
    """It costs attempts like any other, and ends in a dead letter; the others go on."""
    script = {(CREATE, "m"): ["bug"] * 9, (LIST, "a1"): ["bug"] * 9}
    run = world(wish(1), wish(2, "m2", product="a2"), script=script, max_attempts=3)
    run.may_fail = True
    assert statuses(run) == {1: ["failed"], 2: ["created"]}


def test_an_update_that_was_accepted_is_reported_as_one() -> None:
    """Also by the next delivery, where the topic did not take the outcome of the first."""
    run = world(wish(1, OnExisting="update"), yesterdays="old")
    run.troubles.topic_outages.append(Window(0.0, 60.0))
    assert statuses(run)[1] == ["updated"]


def test_a_delivery_that_never_called_costs_no_attempt() -> None:
    """More requests than one delivery has time for, and one attempt for each."""
    assert statuses(crowd(100, timeout=8.0, max_attempts=1)) == _created(*range(1, 101))


@pytest.mark.parametrize("taken", [[0, 0], [1, 0, 0], [5, 1, 0, 2], [3] * 40, [1, *[0] * 150]])
def test_a_queue_that_takes_a_part_gets_the_rest_and_no_more(taken: list[int]) -> None:
    """What goes back goes back once, in as many messages as it came in, though the queue refuses some for a while."""
    run = crowd(20, max_attempts=2)
    run.troubles.api_outages.append(Window(0.0, 30.0))
    run.post.taken = taken
    assert statuses(run) == _created(*range(1, 21))


def test_keys_that_expire_cost_no_attempt() -> None:
    """In the middle of a delivery, which comes again whole and gets others: nothing else could be told to the queue."""
    run = crowd(60, max_attempts=1)
    run.troubles.expiries.append(4.0)
    ends = statuses(run).values()
    assert {status for each in ends for status in each} == {"created", "existing"}
    assert sum("created" in each for each in ends) > 50
    assert max(history.deliveries for history in run.records.asked.values()) == 2


def test_calls_that_hold_on_until_the_deadline_keep_nobody_from_going_back() -> None:
    """No answer comes for as long as there is time: all threads wait, and whoever was never called loses nothing by it."""
    script = {(CREATE, f"m{place}"): ["lost"] * 6 for place in range(8)}
    run = crowd(100, script=script, max_attempts=1, timeout=12.0)
    assert statuses(run) == _created(*range(1, 101))
    first = [history for history in run.records.asked.values() if min(each.number for each in history.invocations) == 1]
    called = [history for history in first if history.doubts]
    assert 0 < len(called) < len(first), "else no request waited behind those that held on"
