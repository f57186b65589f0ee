"""Kills at a named step: the rule, the way to the process, and what happens there."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from emulator.faults.plan import Rule
from emulator.fc.config import FunctionConfig
from emulator.fc.runtime.steps import Step, ending_at
from emulator.fc.service import FunctionCompute, Invocation
from handler import steps
from tests.emulator.fc.played import play, write
from tests.support.paths import ROOT

MODULES = {
    "__init__": "",
    "steps": (ROOT / "handler" / "steps.py").read_text(encoding="utf-8"),
    "index": """
        from concurrent.futures import ThreadPoolExecutor
        from handler.steps import reached
        pool = ThreadPoolExecutor(1)
        def read(event):
            print("reading")
            reached("validate")
            return event
        def handler(event, context):
            reached("receive")
            print("handling")
            return pool.submit(read, event).result()
        def http(environ, start_response):
            reached("receive")
            start_response("200 OK", [])
            return [b"over HTTP"]
    """,
}
"""A function that announces its steps as ours does."""


@pytest.fixture
def config(tmp_path: Path) -> FunctionConfig:
    (tmp_path / "handler").mkdir()
    for name, source in MODULES.items():
        (tmp_path / "handler" / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return FunctionConfig("f", "handler.index.handler", tmp_path)


def strike(config: FunctionConfig, *calls: Sequence[Step], **more: Any) -> list[Invocation]:
    """Call a function in turn, each call killed at the first of its steps."""

    async def scenario(service: FunctionCompute) -> list[Invocation]:
        return [await service.invoke("f", b"[]", steps=steps, **more) for steps in calls]

    results: list[Invocation] = play(config, scenario)
    return results


def printed(invocation: Invocation) -> list[str]:
    return [line for line in invocation.log.decode().splitlines() if line in ("handling", "reading")]


def test_a_step_is_for_a_kill_of_a_function_alone() -> None:
    """Other rules with a step, and unknown steps, are refused."""
    right = {"service": "fc", "kind": "kill", "step": "put back"}
    assert Rule.model_validate(right).step == "put back"
    wrongs = {"service": "iot"}, {"kind": "pause"}, {"kind": "delay"}, {"within": 1}, {"after": True}, {"step": "lost"}
    for wrong in wrongs:
        with pytest.raises(ValidationError, match="step"):
            Rule.model_validate({**right, **wrong})


def test_the_function_announces_every_step_that_a_rule_may_name() -> None:
    """And the local cloud knows no other."""
    assert get_args(steps.Step) == get_args(Step)
    ended: list[Step] = []
    with ending_at(["paced"], end=lambda: ended.append("paced")):
        steps.reached("receive")
        steps.reached("paced")
    steps.reached("paced")
    assert ended == ["paced"]


def test_the_process_is_killed_when_it_reaches_the_first_of_the_steps(config: FunctionConfig) -> None:
    """Also in a thread of an earlier call; that call fails, and the next has a new process and is not struck."""
    steps: list[list[Step]] = [[], ["validate"], ["answered"], [], ["published", "validate", "receive"]]
    before, killed, missed, after, killed_first = strike(config, *steps)
    assert [call.error_type for call in (before, missed, after)] == [None, None, None]
    assert printed(killed) == printed(after) == ["handling", "reading"]
    assert printed(killed_first) == []
    for call in (killed, killed_first):
        assert call.error_type == "UnhandledInvocationError"
        assert "Process exited unexpectedly" in json.loads(call.body)["errorMessage"]
    assert before.instance == killed.instance != missed.instance == after.instance == killed_first.instance


def test_a_call_over_wsgi_is_killed_too(config: FunctionConfig) -> None:
    http = {"headers": [], "query": "", "path": "/", "method": "GET", "client": "127.0.0.1", "uri": "/"}
    wsgi = replace(config, handler="handler.index.http", wsgi=True)
    answered, killed = strike(wsgi, [], ["receive"], kind="wsgi", http=http)
    assert answered.body == b"over HTTP"
    assert "Process exited unexpectedly" in json.loads(killed.body)["errorMessage"]


def test_a_step_that_the_function_does_not_have_is_reported(tmp_path: Path) -> None:
    """A rule that strikes nothing would look like a function that nothing can harm."""
    failed, following = strike(write(tmp_path, "def handler(e, c):\n    return e"), ["put back"], [])
    error = json.loads(failed.body)
    assert (failed.error_type, error["errorType"]) == ("UnhandledInvocationError", "StepNotFound")
    assert error["errorMessage"] == (
        "the step 'put back' cannot be found: this function's handler.steps does not announce it"
    )
    assert following.body == b"[]"
