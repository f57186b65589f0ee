"""The control API of faults."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from emulator.console import faults_api
from emulator.console.bodies import problem
from emulator.faults.injection import Faults


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def api(faults: Faults, serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=serve(Starlette(routes=faults_api.routes(faults), exception_handlers={HTTPException: problem}))
    ) as client:
        yield client


DELAY = {"service": "iot", "operation": "CreateOTAModule", "kind": "delay", "seconds": 2, "times": 5}


def test_a_rule_is_added_shown_and_ended(api: httpx.Client) -> None:
    made = api.post("/faults", json=DELAY)
    assert made.status_code == 201
    assert made.json() == {"id": "1", **DELAY, "seen": 0, "fired": 0}
    assert api.get("/faults").json() == [made.json()]
    assert api.delete("/faults/1").json() == []
    assert api.delete("/faults/1").status_code == 404


def test_a_plan_takes_the_place_of_the_one_before(api: httpx.Client) -> None:
    api.post("/faults", json=DELAY)
    plan = {"seed": 3, "rules": [{"service": "smq", "kind": "reset"}]}
    assert [rule["kind"] for rule in api.put("/faults", json=plan).json()] == ["reset"]
    assert api.get("/faults/plan").json() == plan
    assert api.delete("/faults").json() == []


def test_a_wrong_rule_is_refused_with_its_field(api: httpx.Client) -> None:
    answer = api.post("/faults", json={**DELAY, "kind": "explode"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("kind: ")
    assert api.post("/faults", content=b"{", headers={"Content-Type": "application/json"}).status_code == 422
    assert api.get("/faults").json() == []


def test_a_page_of_another_site_cannot_set_faults(api: httpx.Client) -> None:
    """A browser may send anything but JSON to another site unasked."""
    answer = api.post("/faults", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_a_plan_that_is_too_large_is_refused(api: httpx.Client) -> None:
    large = b" " * (faults_api.LARGEST_PLAN + 1)
    assert api.put("/faults", content=large, headers={"Content-Type": "application/json"}).status_code == 413
