"""`ota-modules faults`."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from cli.commands.faults import read_rule
from cli.errors import UsageError
from emulator.console import faults_api
from emulator.console.bodies import answer_problem
from emulator.faults.injection import Faults

DELAY = ("service=iot", "operation=CreateOTAModule", "kind=delay", "seconds=2", "times=5")


@pytest.fixture
def faults(serve: Any, ota_modules: Any) -> Callable[..., Any]:
    """`faults("list")` talks to a local cloud that has a fault API, and nothing else."""
    url = serve(Starlette(routes=faults_api.routes(Faults()), exception_handlers={HTTPException: answer_problem}))
    return lambda *arguments: ota_modules("faults", *arguments, OTA_CONSOLE_ENDPOINT=url)


def test_a_value_that_is_json_is_taken_as_that() -> None:
    """Anything else is text; quotes make text of the rest."""
    assert read_rule(["kind=delay", "seconds=1.5", "after=true", 'retry_after="12"']) == {
        "kind": "delay", "seconds": 1.5, "after": True, "retry_after": "12",
    }  # fmt: skip


@pytest.mark.parametrize("parts", [["=x"], ["kind=a", "kind=b"], ["kind=a", "delay"]])
def test_parts_that_make_no_sense_are_refused(parts: list[str]) -> None:
    with pytest.raises(UsageError):
        read_rule(parts)


def test_a_rule_is_set_listed_and_cleared(faults: Any, write: Any) -> None:
    """By its id, or with all others; a plan, of YAML or JSON, takes the place of what was."""
    [rule] = faults("set", *DELAY, "--json").records
    assert faults("list", "--json").records == [rule]
    assert f"id={rule['id']}" in faults("list").out
    assert faults("clear", rule["id"]).out == "no faults injected\n"
    assert faults("list").out == "no faults injected\n"
    faults("set", *DELAY)
    [line] = faults("set", write("plan.yml", "seed: 7\nrules:\n  - {service: smq, kind: reset}\n")).out.splitlines()
    assert "service=smq" in line


def test_what_the_cloud_does_not_understand_is_refused(faults: Any, serve: Any, ota_modules: Any) -> None:
    """In its own words, as wrong usage; one without a fault API is told as an error."""
    ended = faults("set", "service=iot", "kind=earthquake")
    assert (ended.status, "kind" in ended.err) == (2, True)
    ended = ota_modules("faults", "list", OTA_CONSOLE_ENDPOINT=serve(Starlette()))
    assert (ended.status, "has no fault API" in ended.err) == (1, True)
