"""The control API of faults."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from emulator.console import faults_api
from emulator.console.bodies import answer_problem
from emulator.faults.injection import Faults


@pytest.fixture
def api(serve: Callable[[ASGIApp], str]) -> Iterator[httpx.Client]:
    app = Starlette(routes=faults_api.routes(Faults()), exception_handlers={HTTPException: answer_problem})
    with httpx.Client(base_url=serve(app)) as client:
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


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"{}", "text/plain", 415), (b" " * (faults_api.LARGEST_PLAN + 1), "application/json", 413)],
)
def test_anything_but_json_of_a_moderate_size_is_refused(
    api: httpx.Client, body: bytes, kind: str, status: int
) -> None:
    """A browser may send anything but JSON to another site unasked."""
    assert api.put("/faults", content=body, headers={"Content-Type": kind}).status_code == status
