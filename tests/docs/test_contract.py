"""docs/contract.md: its samples are a request that the function takes, and the outcome that it publishes for it."""

import json
from typing import Any

import jsonschema

from handler.messages import ModuleRequest, read
from handler.outcomes import Outcome
from tests.docs.markdown import Page
from tests.docs.pages import page
from tests.support.paths import ROOT

REQUEST, _, OUTCOME, READING = page("contract").sections(2)[:4]


def sample(section: Page) -> Any:
    """The JSON of a section's first block."""
    return json.loads(next(block.text for block in section.blocks if block.language == "json"))


def schema(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_the_sample_outcome_is_what_the_function_publishes_for_the_sample_request() -> None:
    """Its id, too: whoever derives ids can compare. Both keep the published schemas."""
    shown = sample(OUTCOME)
    [request] = read([sample(REQUEST)], "message-1")
    assert isinstance(request, ModuleRequest)
    outcome = Outcome.of(request, "created", RequestId=shown["data"]["RequestId"])
    published = json.loads(outcome.event(shown["source"], 0.0))
    assert {**published, "time": shown["time"]} == shown
    jsonschema.validate(sample(REQUEST), schema("request"))
    jsonschema.validate(shown, schema("outcome"))


def test_the_consumer_is_the_very_file() -> None:
    [shown] = [block.text for block in READING.blocks if block.language == "python"]
    assert shown == (ROOT / "examples/consumer.py").read_text(encoding="utf-8")
