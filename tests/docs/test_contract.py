"""docs/contract.md: the contract as the function has it."""

import json
from collections import defaultdict
from http import HTTPStatus
from typing import Any, get_args

import jsonschema

from handler import envelopes
from handler.answers import KINDS
from handler.messages import ModuleRequest, Policy, read
from handler.outcomes import Outcome, Status
from handler.settings import Settings
from handler.web import ROUTES
from tests.docs.markdown import Page
from tests.docs.pages import README, page
from tests.support.paths import ROOT

PAGE = page("contract")
REQUEST, ENVELOPES, OUTCOME, READING, HTTP, SETTINGS = PAGE.sections(2)
MADE_OF_OTHERS = ("OTA_REGION", "OTA_IOT_ENDPOINT")
"""Settings whose default depends on other variables."""
PLATFORM_ANSWERS = {403, 429}
"""What Function Compute answers itself."""


def test_every_setting_is_in_the_table_with_its_default() -> None:
    """None is missing, none is invented."""
    shown = {name: row[1].strip("`") for row in SETTINGS.tables[0].rows for name in [row[0].strip("`")]}
    assert set(shown) == set(Settings.model_fields)
    expected = {name: _default(field) for name, field in Settings.model_fields.items() if name not in MADE_OF_OTHERS}
    assert {name: shown[name] for name in expected} == expected


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def test_every_field_of_a_request_is_in_the_table() -> None:
    """In the contract's own words."""
    assert set(REQUEST.tables[0].names()) == set(ModuleRequest.model_fields)


def test_every_way_with_what_exists_is_in_the_table() -> None:
    """`OnExisting`."""
    assert set(REQUEST.tables[1].names()) == set(get_args(Policy))


def test_every_envelope_is_in_the_table() -> None:
    """By the source that the function gives it."""
    shapes = (*envelopes._SHAPES, envelopes._EVENT)
    assert set(ENVELOPES.tables[0].names()) == {shape.source for shape in shapes}


def test_every_status_is_in_both_tables() -> None:
    """The contract's and the front page's."""
    assert set(OUTCOME.tables[0].names()) == set(get_args(Status))
    front = next(table for table in README.tables if table.heading[0] == "status")
    assert set(front.names()) == set(get_args(Status))


def test_every_public_field_of_an_outcome_is_in_the_table() -> None:
    """What consumers may read."""
    public = {name for name, field in Outcome.model_fields.items() if not field.exclude}
    assert set(OUTCOME.tables[1].names()) == public


def test_every_path_is_in_the_table() -> None:
    """What the HTTP trigger answers."""
    assert {name.split()[1] for name in HTTP.tables[0].names()} == set(ROUTES)


def test_every_status_of_http_is_in_the_table() -> None:
    """Every one that the function answers, and the platform's."""
    shown = {int(status) for row in HTTP.tables[1].rows for status in row[0].split(",")}
    problems = {kind.status for kind in KINDS.values()}
    successes = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.MULTI_STATUS}
    assert shown == problems | {int(status) for status in successes} | PLATFORM_ANSWERS


def test_every_kind_of_problem_is_in_the_table_with_its_status() -> None:
    """The last part of `type`."""
    expected = defaultdict(set)
    for kind in KINDS.values():
        expected[str(kind.status)].add(kind.name)
    assert {row[1]: {name.strip("` ") for name in row[0].split(",")} for row in HTTP.tables[2].rows} == expected


def sample(section: Page) -> Any:
    """The JSON of a section's first block."""
    return json.loads(next(block.text for block in section.blocks if block.language == "json"))


def test_the_sample_request_is_valid() -> None:
    """By the function's rules and by the published schema."""
    [request] = read([sample(REQUEST)], "message-1")
    assert isinstance(request, ModuleRequest)
    jsonschema.validate(sample(REQUEST), json.loads((ROOT / "events/request.schema.json").read_text(encoding="utf-8")))


def test_the_sample_outcome_is_what_the_function_publishes_for_the_sample_request() -> None:
    """Its id, too: whoever derives ids can compare."""
    shown = sample(OUTCOME)
    [request] = read([sample(REQUEST)], "message-1")
    assert isinstance(request, ModuleRequest)
    outcome = Outcome.of(request, "created", RequestId=shown["data"]["RequestId"])
    published = json.loads(outcome.event(shown["source"], 0.0))
    assert {**published, "time": shown["time"]} == shown
    jsonschema.validate(shown, json.loads((ROOT / "events/outcome.schema.json").read_text(encoding="utf-8")))


def test_the_front_page_shows_what_a_request_over_http_gets() -> None:
    """The curl command's body, and the outcome's data."""
    command = next(command for command in README.commands if command.startswith("curl"))
    [request] = read([json.loads(command.partition("-d '")[2].rpartition("'")[0])], "message-1")
    assert isinstance(request, ModuleRequest)
    shown = next(json.loads(block.text) for block in README.blocks if block.language == "json")
    assert Outcome.of(request, "created").data() == shown


def test_the_consumer_is_the_very_file() -> None:
    """So that what is read is what runs."""
    [shown] = [block.text for block in READING.blocks if block.language == "python"]
    assert shown == (ROOT / "examples/consumer.py").read_text(encoding="utf-8")
