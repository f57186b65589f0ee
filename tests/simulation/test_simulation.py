"""The whole function on virtual time, against a cloud in which everything can go wrong."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.iot import CREATE
from tests.simulation.__main__ import main, read_seeds
from tests.simulation.plan import COMPANY, CROWD, Choices, Plan, drawn
from tests.simulation.store import QPS
from tests.simulation.world import Result, simulate


def plans(choices: Choices, **others: Sequence[Any]) -> st.SearchStrategy[Plan]:
    """Plans from all that the fields may be, each with the same likelihood, or from others."""
    values = {name: st.sampled_from(list(dict.fromkeys(each))) for name, each in {**choices, **others}.items()}
    return st.builds(Plan, seed=st.integers(0, 2**32 - 1), **values)


def held(plan: Plan) -> Result:
    """A run of a plan in which all holds."""
    result = simulate(plan)
    assert result.violation is None, result.report(120)
    return result


SMALL: Choices = {
    "requests": range(1, 26), "products": (1, 2, 3), "names": range(1, 13), "batch": (20, 1, 5), "instances": (1, 2),
    "timeout": (60.0, 10.0), "signed": (False,),
}  # fmt: skip
BUSY = Plan(3, requests=120, products=40, batch=50, instances=2, spread=0.0, latency=0.05, store_live=True)
"""Two instances with more to do than their static shares allow."""


@pytest.mark.timeout(600)  # some ten seconds of a processor, of which others may take their part
@settings(max_examples=160)
@given(plans(CROWD, **SMALL))
def test_whatever_goes_wrong_nothing_is_lost_doubled_or_untrue(plan: Plan) -> None:
    """All invariants hold after every step of every plan."""
    held(plan)


@settings(max_examples=150)
@given(plans(COMPANY, requests=range(2, 13), spread=(0.0,), max_age=(600.0,)))
def test_company_changes_no_outcome(plan: Plan) -> None:
    """Whatever is wrong with the others, each request ends as it does alone."""
    held(plan)


def test_crowds_get_through_troubles_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Some of the plans of `make simulate`: hundreds of requests, batches that no timeout has room for."""
    failed = main(["--seeds", "1-15"])
    shown = capsys.readouterr().out
    assert not failed, shown[-10_000:]
    assert "15 seeds" in shown


def test_signed_calls_are_no_different() -> None:
    """The simulation leaves the signature away, because it costs more than all the rest."""
    plan = Plan(7, requests=20, call_faults=0.3, crashes=0.5)
    assert held(plan).trace == simulate(replace(plan, signed=True)).trace


def test_the_same_plan_gives_the_same_run() -> None:
    """A seed that fails fails again: its trace is the same to the last digit."""
    plan = drawn(3)
    assert simulate(plan).trace == simulate(Plan.read(str(plan))).trace


def test_without_troubles_every_request_is_handled_once() -> None:
    """And the quota is used up: whoever waits for a slot waits for no more than that."""
    assert held(Plan(1, requests=200, products=40)).deliveries == 200


def list_calls(result: Result) -> list[tuple[float, str]]:
    """When which calls left."""
    return [(float(str(at)), str(what[1])) for at, _, *what in result.trace if what[0] == "send"]


@pytest.mark.parametrize("instances", [1, 2, 4])
def test_whoever_shares_through_a_store_gets_all_of_the_rate(instances: int) -> None:
    """However many they are, and however little each could take by itself."""
    created = [at for at, action in list_calls(held(replace(BUSY, instances=instances))) if action == CREATE]
    assert len(created) >= 0.9 * QPS * (created[-1] - created[0])


STORES = [{"store_slow": 0.2}, {"store_lost": 0.2}, {"store_outages": 3}, {"store_restarts": 3}, {"store_clock": 60.0}]


@pytest.mark.parametrize("trouble", [*STORES, {"store_latency": 0.1}, {"store_latency": 1.0}], ids=str)
def test_a_store_with_troubles_is_no_burst_and_stops_nobody(trouble: dict[str, Any]) -> None:
    """At worst each goes on at its static share; and it is the same again with the same plan."""
    plan = replace(BUSY, **trouble)
    result = held(plan)
    assert list_calls(result)[-1][0] <= 3 * list_calls(simulate(BUSY))[-1][0]
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
    assert not set(read_seeds(None)) & set(read_seeds(None))
