"""Companies, orders of events and troubles in which something once went wrong, one behaviour a test."""

import pytest

from handler.iot import CREATE, LIST, UPDATE
from tests.simulation.answers import FORBIDDEN
from tests.simulation.modules import GOOD, NONE, OVERDUE, WRONG, Place, State
from tests.simulation.script import broken, changed, message, statuses, wish, world
from tests.simulation.troubles import Denial, Window
from tests.simulation.workload import Letter

Modules = dict[Place, dict[str, State]]
YESTERDAY = -86_400.0
POLICIES = pytest.mark.parametrize(("policy", "status"), [("keep", "existing"), ("fail", "rejected")])


def _good(first: int, count: int, **fields: str) -> list[Letter]:
    return [message(wish(number, f"m{number}", instance=GOOD, **fields)) for number in range(first, first + count)]


@pytest.mark.parametrize("default", [NONE, WRONG])
def test_a_request_of_a_wrong_instance_harms_no_other(default: str) -> None:
    """Those that name a good instance are created, whatever the first one finds out."""
    run = world(changed(default=default, max_age=600.0), message(wish(1)), *_good(2, 4))
    said = statuses(run.run())
    assert [said[number] for number in range(2, 6)] == [["created"]] * 4
    assert said[1] in (["rejected"], ["failed"])


def test_a_request_that_names_a_wrong_instance_is_rejected() -> None:
    """That is its own fault, and nobody else's."""
    said = statuses(world(changed(), message(wish(1, instance=WRONG)), *_good(2, 4)).run())
    assert said == {1: ["rejected"], 2: ["created"], 3: ["created"], 4: ["created"], 5: ["created"]}


def test_arrears_of_one_instance_keep_no_other_from_calling() -> None:
    """And the request of that instance is given up after its time, with a dead letter."""
    company = message(
        wish(1, instance=OVERDUE), *(wish(number, f"m{number}", instance=GOOD) for number in range(2, 11))
    )
    said = statuses(world(changed(max_age=600.0), company, modules={(OVERDUE, "a1"): {}}).run())
    assert said.pop(1) == ["failed"]
    assert set(map(tuple, said.values())) == {("created",)}


def test_a_list_that_another_request_was_refused_says_nothing_of_this_one() -> None:
    """A module whose creation got no answer is read back, although the other's instance could not be."""
    run = world(changed(default=WRONG, max_age=600.0), message(wish(1)), message(wish(2, "m2", instance=GOOD)))
    run.cloud.script = {(CREATE, "m"): ["busy"], (CREATE, "m2"): ["lost reply"]}
    assert statuses(run.run())[2] == ["created"]


@POLICIES
def test_a_module_of_yesterday_is_not_created_though_the_api_was_silent(policy: str, status: str) -> None:
    """The first delivery hears nothing at all; the second sees a module that is too old to be of its making."""
    run = world(
        changed(), message(wish(1, OnExisting=policy)), modules={(GOOD, "a1"): {"m": State(YESTERDAY, "alias1")}}
    )
    run.cloud.script = {(CREATE, "m"): ["lost"], (LIST, "a1"): ["lost"] * 4}
    assert statuses(run.run())[1] == [status]


@POLICIES
def test_a_module_of_yesterday_is_not_created_though_the_deadline_cut_the_call(policy: str, status: str) -> None:
    """A call in flight at the deadline is no reason to believe in it a day later."""
    plan = changed(timeout=6.0)
    run = world(plan, message(wish(1, OnExisting=policy)), modules={(GOOD, "a1"): {"m": State(YESTERDAY, "alias1")}})
    run.cloud.script = {(CREATE, "m"): ["lost"]}
    assert statuses(run.run())[1] == [status]


def test_a_missing_permission_stops_only_who_needs_it() -> None:
    """An update that may not be made goes back by itself, and costs the others nothing."""
    run = world(
        changed(forbidden=UPDATE, max_age=600.0),
        message(wish(1, OnExisting="update")),
        *_good(2, 8, product="a2", OnExisting="fail"),
        modules={(GOOD, "a1"): {"m": State(YESTERDAY, "old")}},
    )
    said = statuses(run.run())
    assert said.pop(1) == ["failed"]
    assert set(map(tuple, said.values())) == {("created",)}


def test_a_permission_that_comes_back_costs_no_attempt() -> None:
    """Requests wait for it, however few attempts they have."""
    run = world(changed(max_attempts=1), message(wish(1)), message(wish(2, "m2")))
    run.troubles.deny(Denial(Window(0.0, 1800.0), FORBIDDEN, action=CREATE))
    assert statuses(run.run()) == {1: ["created"], 2: ["created"]}


@pytest.mark.parametrize("text", ["no JSON #9#", '{"CorrelationId": "#9#", "ModuleName": 5}'])
def test_a_message_that_is_no_request_makes_no_other_forget(text: str) -> None:
    """While the topic takes nothing, all go back with what is known of them, and nothing is delivered again."""
    run = world(changed(), message(wish(1, OnExisting="fail")), message(wish(2, "m2")), message(broken(9, text)))
    run.troubles.close_topic(Window(0.0, 100.0))
    assert statuses(run.run()) == {1: ["created"], 2: ["created"], 9: ["rejected"]}


def test_a_delivery_takes_on_what_it_can_finish() -> None:
    """Forty messages of fifty requests each: the queue never grows, and every delivery finishes some."""
    letters = [
        message(
            *(wish(place * 50 + number, f"m{number % 8}", product=f"p{number // 8}-{place}") for number in range(1, 51))
        )
        for place in range(40)
    ]
    products: Modules = {(GOOD, f"p{number}-{place}"): {} for place in range(40) for number in range(7)}
    run = world(changed(timeout=60.0, latency=0.02, max_attempts=1), *letters, modules=products)
    said = statuses(run.run())
    assert set(map(tuple, said.values())) == {("created",)}
    first = min(run.records.asked[1].invocations | run.records.asked[51].invocations, key=lambda each: each.number)
    assert first.left, "it took on more than it has time for"


def test_created_after_failed_is_news() -> None:
    """A dead letter that is sent again has outcomes with another id."""
    run = world(changed(replays=1.0, max_attempts=1), message(wish(1, Id="order-1")))
    run.cloud.script = {(CREATE, "m"): ["busy"] * 5}
    result = run.run()
    assert statuses(result)[1] == ["failed", "created"]
    assert len({event["id"] for event in run.records.asked[1].events}) == 2


@pytest.mark.parametrize("seed", range(4))
def test_a_list_that_fails_says_nothing_of_the_product(seed: int) -> None:
    """Whatever code it gives: the module that the call without an answer made is found."""
    run = world(changed(seed=seed), message(wish(1)))
    run.cloud.script = {(CREATE, "m"): ["lost reply"], (LIST, "a1"): ["refused"]}
    assert statuses(run.run())[1] == ["created"]


def test_a_refusal_is_not_believed_while_a_call_may_still_work() -> None:
    """The first call takes its effect late, the second is refused, and no list shows the module yet."""
    run = world(changed(lag=0.0), message(wish(1)))
    run.cloud.script = {(CREATE, "m"): ["late", "refused", "refused", "refused"]}
    assert statuses(run.run())[1] == ["created"]


def test_an_older_update_never_overwrites_a_newer_one() -> None:
    """Behind a request that is not finished wait all others for its module, and go back with it."""
    run = world(
        changed(),
        message(wish(1, OnExisting="update", Desc="first"), wish(2, OnExisting="update", Desc="second")),
        modules={(GOOD, "a1"): {"m": State(YESTERDAY, "old")}},
    )
    run.cloud.script = {(UPDATE, "m"): ["busy"] * 5}
    assert statuses(run.run()) == {1: ["updated"], 2: ["updated"]}
    assert run.cloud.account.products[GOOD, "a1"]["m"].states[-1].desc == "second"


def test_half_an_hour_of_outage_is_survived() -> None:
    """With ten attempts, which is the default."""
    run = world(changed(max_attempts=10), message(wish(1)), message(wish(2, "m2")))
    run.troubles.break_api(Window(0.0, 1500.0))
    assert statuses(run.run()) == {1: ["created"], 2: ["created"]}


@pytest.mark.parametrize(
    "element",
    [
        '{"CorrelationId": "#9#", "ProductKey": "a1", "ModuleName": "x", "Desc": "a", "Desc": "b"}',
        '{"CorrelationId": "#9#", "ProductKey": "a1", "ModuleName": "x", "Desc": NaN}',
        f'{{"CorrelationId": "#9#", "ModuleName": {"[" * 12_000}{"]" * 12_000}}}',
    ],
    ids=["a field twice", "NaN", "too deep"],
)
def test_one_element_that_is_wrong_silences_no_other(element: str) -> None:
    """The others of its array have outcomes of their own."""
    run = world(changed(), message(wish(1, Id="order-1"), wish(2, "m2"), broken(9, element)))
    assert statuses(run.run()) == {1: ["created"], 2: ["created"], 9: ["rejected"]}


def test_a_fault_of_the_functions_own_is_not_for_ever() -> None:
    """It costs attempts like any other, and ends in a dead letter; the others go on."""
    run = world(changed(max_attempts=3), message(wish(1)), message(wish(2, "m2", product="a2")))
    run.may_fail = True
    run.cloud.script = {(CREATE, "m"): ["bug"] * 9, (LIST, "a1"): ["bug"] * 9}
    assert statuses(run.run()) == {1: ["failed"], 2: ["created"]}


def test_an_update_that_was_accepted_is_told_as_one() -> None:
    """Also by the next delivery, where the topic did not take the outcome of the first."""
    run = world(
        changed(), message(wish(1, OnExisting="update")), modules={(GOOD, "a1"): {"m": State(YESTERDAY, "old")}}
    )
    run.troubles.close_topic(Window(0.0, 60.0))
    assert statuses(run.run())[1] == ["updated"]


def test_a_delivery_that_never_called_costs_no_attempt() -> None:
    """More requests than one delivery has time for, and one attempt for each."""
    letters = [message(wish(number, f"m{number % 8}", product=f"p{number // 8}")) for number in range(1, 101)]
    products: Modules = {(GOOD, f"p{number}"): {} for number in range(14)}
    run = world(changed(timeout=8.0, max_attempts=1), *letters, modules=products)
    assert set(map(tuple, statuses(run.run()).values())) == {("created",)}


def test_what_never_comes_right_is_given_up_after_its_time() -> None:
    """A topic, or a permission, that stays away: `failed`, and a dead letter that says why."""
    run = world(changed(max_age=900.0), message(wish(1)))
    run.troubles.deny(Denial(Window(), FORBIDDEN, action=CREATE))
    result = run.run()
    assert statuses(result)[1] == ["failed"]
    assert run.records.asked[1].letters == {0}
