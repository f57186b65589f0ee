"""The whole function on virtual time, against a cloud in which everything can go wrong."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.iot import CREATE, UPDATE
from tests.simulation.__main__ import _seeds, main
from tests.simulation.company import run as simulate
from tests.simulation.modules import GOOD, NONE, WRONG
from tests.simulation.plan import EVER, Plan
from tests.simulation.store import QPS
from tests.simulation.world import Result

SHOWN = 120
"""Lines of a trace that a failure shows."""


def rates(most: float) -> st.SearchStrategy[float]:
    return st.sampled_from([0.0, 0.1 * most, 0.3 * most, most])


PLANS = st.builds(
    Plan,
    seed=st.integers(0, 2**32 - 1),
    requests=st.integers(1, 25),
    products=st.integers(1, 3),
    names=st.integers(1, 12),
    batch=st.sampled_from([20, 1, 5]),
    instances=st.sampled_from([1, 2]),
    spread=st.sampled_from([0.0, 10.0]),
    latency=st.sampled_from([0.1, 1.0]),
    lateness=st.sampled_from([0.0, 0.02]),
    lag=st.sampled_from([0.0, 0.8, 5.0]),
    call_faults=rates(0.5),
    late_calls=rates(0.2),
    connect_faults=rates(0.3),
    throttles=rates(0.3),
    refusals=rates(0.2),
    topic_faults=rates(0.5),
    queue_faults=rates(0.5),
    queue_parts=rates(0.5),
    expiries=st.sampled_from([0, 0, 1, 3]),
    topic_outages=st.sampled_from([0, 0, 1]),
    queue_outages=st.sampled_from([0, 0, 1]),
    crashes=rates(0.7),
    repeats=rates(0.4),
    stream_crashes=rates(0.3),
    tenant=st.sampled_from([0.0, 5.0, 9.0]),
    denials=st.sampled_from([0, 0, 1, 3]),
    forbidden=st.sampled_from(["", "", UPDATE]),
    outage=rates(0.2),
    colleague=rates(0.5),
    theirs=rates(1.0),
    strangers=rates(0.3),
    malformed=rates(0.3),
    apart=st.booleans(),
    replays=st.sampled_from([0.0, 0.5]),
    timeout=st.sampled_from([60.0, 10.0]),
    max_attempts=st.sampled_from([5, 2, 1]),
    max_age=st.sampled_from([3600.0, 600.0]),
    visibility=st.sampled_from([300.0, 30.0]),
    policy=st.sampled_from(["keep", "update", "fail"]),
    default=st.sampled_from([NONE, GOOD, WRONG]),
    public=st.booleans(),
    store_gone=st.sampled_from([False, False, False, True]),
    store_live=st.sampled_from([False, False, True]),
    store_latency=st.sampled_from([0.0005, 0.05, 0.1]),
    store_slow=rates(0.2),
    store_lost=rates(0.2),
    store_outages=st.sampled_from([0, 0, 1, 3]),
    store_restarts=st.sampled_from([0, 0, 1, 3]),
    store_clock=st.sampled_from([0.0, 0.1, 60.0]),
)

COMPANIES = st.builds(
    Plan,
    seed=st.integers(0, 2**32 - 1),
    requests=st.integers(2, 12),
    apart=st.just(True),
    spread=st.just(0.0),
    faulty=st.just(EVER),
    lag=st.sampled_from([0.0, 0.8]),
    call_faults=rates(0.5),
    refusals=rates(0.3),
    topic_faults=rates(0.5),
    forbidden=st.sampled_from(["", UPDATE]),
    theirs=rates(1.0),
    strangers=rates(0.5),
    malformed=rates(0.5),
    timeout=st.just(300.0),
    max_attempts=st.sampled_from([10, 2, 1]),
    max_age=st.just(600.0),
    policy=st.sampled_from(["keep", "update", "fail"]),
    default=st.sampled_from([NONE, GOOD, WRONG]),
    public=st.booleans(),
)
CROWD = Plan(3, requests=120, products=40, batch=50, instances=2, spread=0.0, latency=0.05, store_live=True)
"""Two instances with more to do than their static shares allow."""


@pytest.mark.timeout(600)  # some twenty seconds of a processor, of which others may take their part
@settings(max_examples=250)
@given(PLANS)
def test_whatever_goes_wrong_nothing_is_lost_doubled_or_untrue(plan: Plan) -> None:
    """All invariants hold after every step of every plan."""
    result = simulate(plan)
    assert result.violation is None, result.report(SHOWN)


@settings(max_examples=150)
@given(COMPANIES)
def test_company_changes_no_outcome(plan: Plan) -> None:
    """Whatever is wrong with the others, each request ends as it does alone."""
    result = simulate(plan)
    assert result.violation is None, result.report(SHOWN)


@pytest.mark.parametrize("seed", range(1, 16))
def test_crowds_get_through_troubles_of_every_kind(seed: int) -> None:
    """Some of the plans of `make simulate`: hundreds of requests, batches that no timeout has room for."""
    result = simulate(Plan.drawn(seed))
    assert result.violation is None, result.report(SHOWN)


def test_signed_calls_are_no_different() -> None:
    """The simulation leaves the signature away, because it costs more than all the rest."""
    plan = Plan(7, requests=20, call_faults=0.3, crashes=0.5)
    cheap, signed = simulate(plan), simulate(replace(plan, signed=True))
    assert cheap.violation is None
    assert signed.trace == cheap.trace


def test_the_same_plan_gives_the_same_run() -> None:
    """A seed that fails fails again: its trace is the same to the last digit."""
    plan = Plan.drawn(3)
    assert simulate(plan).trace == simulate(Plan.read(str(plan))).trace


def test_without_troubles_every_request_is_handled_once() -> None:
    """And the quota is used up: whoever waits for a slot waits for no more than that."""
    result = simulate(Plan(1, requests=200, products=40))
    assert (result.violation, result.deliveries) == (None, 200)


def _sent(result: Result) -> list[tuple[float, str]]:
    """When which calls left."""
    return [(float(str(at)), str(what[1])) for at, _, *what in result.trace if what[0] == "send"]


@pytest.mark.parametrize("instances", [1, 2, 4])
def test_whoever_shares_through_a_store_gets_all_of_the_rate(instances: int) -> None:
    """However many they are, and however little each could take by itself."""
    plan = replace(CROWD, instances=instances)
    result = simulate(plan)
    assert result.violation is None, result.report(SHOWN)
    created = [at for at, action in _sent(result) if action == CREATE]
    assert len(created) >= 0.9 * QPS * (created[-1] - created[0])


@pytest.mark.parametrize(
    "trouble",
    [
        {"store_slow": 0.2},
        {"store_lost": 0.2},
        {"store_outages": 3},
        {"store_restarts": 3},
        {"store_clock": 60.0},
        {"store_latency": 0.1},
        {"store_latency": 1.0},
    ],
    ids=str,
)
def test_a_store_with_troubles_is_no_burst_and_stops_nobody(trouble: dict[str, Any]) -> None:
    """At worst each goes on at its static share; and it is the same again with the same plan."""
    plan = replace(CROWD, **trouble)
    result = simulate(plan)
    assert result.violation is None, result.report(SHOWN)
    assert _sent(result)[-1][0] <= 3 * _sent(simulate(CROWD))[-1][0]
    assert simulate(Plan.read(str(plan))).trace == result.trace


def test_a_run_that_fails_says_how_to_have_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    """With its plan, and with all that happened."""
    plan = Plan(1, requests=5)
    assert main(["--plan", str(plan)]) == 0
    shown = capsys.readouterr().out
    assert f"make simulate PLAN='{plan}'" in shown
    assert shown.count("published") >= 5


def test_seeds_are_drawn_anew_and_named() -> None:
    """Without any given, no two runs look at the same."""
    assert not set(_seeds(None)) & set(_seeds(None))


def test_many_seeds_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    """How many requests in how much time, and that all held."""
    assert main(["--seeds", "16-18"]) == 0
    assert "3 seeds" in capsys.readouterr().out
