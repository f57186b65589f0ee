"""Tables of the documentation: each lists what the code has, and nothing else."""

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from types import ModuleType
from typing import Any, get_args

import pytest

import cli.errors
from cli.manifests.documents import PARTS
from cli.manifests.formats import ENDINGS, Format
from cli.manifests.table import ALIASES
from deploy.log_lines import EVENTS, HEAD
from emulator.faults.plan import KINDS as FAULTS
from emulator.faults.plan import Rule
from emulator.fc.runtime.steps import Step
from handler import envelopes, errors
from handler.answers import KINDS as PROBLEMS
from handler.messages import ModuleRequest, Policy
from handler.outcomes import Outcome, Reason, Status, Why
from handler.retry import PUT_BACK
from handler.settings import Settings
from handler.web import ROUTES
from tests.docs.command_line import COMMON
from tests.docs.pages import MAKEFILE, README, TEMPLATE, Page, Table, code_spans, page
from tests.e2e import invariants
from tests.support.paths import ROOT

COMMAND_LINE, DEPLOYING, GUARANTEES, MANIFEST = map(page, ("command-line", "deploying", "guarantees", "manifest"))
REQUEST, ENVELOPES, OUTCOME, _, HTTP, SETTINGS = page("contract").sections(2)
_, ALARMS, RUNBOOK, REASONS, _, LOG, _, ERRORS = page("operating").sections(2)
DERIVED = {"OTA_REGION": "FC_REGION", "OTA_IOT_ENDPOINT": "https://iot.{region}.aliyuncs.com"}
"""Settings whose default depends on other variables."""
STATUSES = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.MULTI_STATUS}
PLATFORM_STATUSES = {403, 429}
"""What Function Compute answers itself."""
ATTEMPTS = range(2, Settings.model_fields["OTA_MAX_ATTEMPTS"].default + 1)
PAGING = [name for table in ALARMS.tables[:2] for name in table.names()]


def by_name(table: Table, column: int) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each name in a table's first column, with the words of another column."""
    for row in table.rows:
        yield from ((name, words_of(row[column].lower())) for name in code_spans(row[0]))


def words_of(cell: str) -> frozenset[str]:
    return frozenset(word.strip("` ") for word in cell.split(",")) - {""}


def default_of(field: Any) -> str:
    """Write a setting's default as the page has it."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def classes(module: ModuleType) -> list[type]:
    """List the classes that a module defines."""
    return [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]


def fields_of(event: str) -> set[str]:
    """Return the fields that only this event of the log has."""
    return {*EVENTS[event].always, *EVENTS[event].sometimes}


def resources(kind: str, name: str) -> list[str]:
    """List the names of the template's alarms, alerts or saved searches."""
    stack = TEMPLATE["resources"]["alarms"]["props"]["template"]["Resources"].values()
    parts = [item["Properties"] for item in stack if item["Type"] == f"ALIYUN::{kind}"]
    return [part.get("Detail", part)[name]["Fn::Join"][1][1] for part in parts]


def problems() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the kinds of problems by status."""
    for status in {kind.status for kind in PROBLEMS.values()}:
        yield str(status), frozenset(kind.name for kind in PROBLEMS.values() if kind.status == status)


def pauses() -> Iterator[tuple[int, int]]:
    """Yield each attempt with the seconds before it."""
    table = GUARANTEES.table("attempt")
    for attempt, pause in zip(table.heading[1:], table.rows[0][1:], strict=True):
        number, unit = pause.split()
        yield int(attempt), int(number) * {"s": 1, "min": 60}[unit]


LISTS: dict[str, tuple[Iterable[object], Iterable[object]]] = {
    "options that mean the same everywhere": (COMMAND_LINE.table("option").names(), COMMON),
    "exit statuses": (
        COMMAND_LINE.table("status").cells(),
        ["0", *(str(error.exit_status) for error in classes(cli.errors) if issubclass(error, cli.errors.CliError))],
    ),
    "settings and their defaults": (
        zip(SETTINGS.tables[0].cells(0), SETTINGS.tables[0].cells(1), strict=True),
        [(name, DERIVED.get(name) or default_of(field)) for name, field in Settings.model_fields.items()],
    ),
    "fields of a request": (REQUEST.tables[0].names(), ModuleRequest.model_fields),
    "ways with what exists": (REQUEST.tables[1].names(), get_args(Policy)),
    "envelopes": (ENVELOPES.tables[0].names(), [shape.source for shape in (*envelopes._SHAPES, envelopes._EVENT)]),
    "statuses": (OUTCOME.tables[0].names(), get_args(Status)),
    "statuses, on the front page": (README.table("status").names(), get_args(Status)),
    "fields of an outcome": (
        OUTCOME.tables[1].names(),
        [name for name, field in Outcome.model_fields.items() if not field.exclude],
    ),
    "paths of the HTTP trigger": ([name.split()[1] for name in HTTP.tables[0].names()], ROUTES),
    "statuses of HTTP": (
        [int(status) for row in HTTP.tables[1].rows for status in row[0].split(",")],
        {kind.status for kind in PROBLEMS.values()} | STATUSES | PLATFORM_STATUSES,
    ),
    "kinds of problems by status": ([(row[1], words_of(row[0])) for row in HTTP.tables[2].rows], problems()),
    "variables of the template": (DEPLOYING.table("variable at the top of `template.yml`").names(), TEMPLATE["vars"]),
    "faults and the services that have them": (
        by_name(page("local-cloud").table("kind"), 1),
        [(name, frozenset(kind.services)) for name, kind in FAULTS.items()],
    ),
    "parts of a grid": (MANIFEST.table("part").names(), PARTS),
    "formats of a manifest": (MANIFEST.table("format").cells(), get_args(Format)),
    "endings of a manifest": (
        [(end.lstrip("."), row[0].strip("`")) for row in MANIFEST.table("format").rows for end in code_spans(row[1])],
        dict(ENDINGS).items(),
    ),
    "columns of a manifest, which are the fields that a sender sets": (
        MANIFEST.table("column").names(),
        [name for name, field in ModuleRequest.model_fields.items() if field.description is None],
    ),
    "other names of columns, compared without case": (
        [(name, aliases) for name, aliases in by_name(MANIFEST.table("column"), 2) if aliases],
        [(name, frozenset(aliases)) for name, aliases in ALIASES.items()],
    ),
    "reasons of an unfinished request": (REASONS.tables[0].names(), get_args(Reason)),
    "reasons of a rejected request": (REASONS.tables[1].names(), get_args(Why)),
    "events of the log and their levels": (
        [(row[0], row[1].strip("`")) for row in LOG.tables[0].rows],
        [(level, name) for name, event in EVENTS.items() for level in event.levels],
    ),
    "fields of every line": (LOG.tables[1].names(), HEAD),
    "fields of a request's line": (LOG.tables[2].names(), {*fields_of("request"), "request_id"}),
    "fields of a summary": (LOG.tables[3].names(), fields_of("summary")),
    "alarms": (ALARMS.tables[0].names(), resources("CMS::ResourceMetricRule", "RuleName")),
    "alerts": (ALARMS.tables[1].names(), resources("SLS::Alert", "Name")),
    "saved searches": (ALARMS.tables[2].names(), resources("SLS::Savedsearch", "SavedsearchName")),
    "alarms and alerts in the runbook": ([name for name in RUNBOOK.tables[0].names(1) if name in PAGING], PAGING),
    "targets of make that contributors use": (
        [name for name in Page.read(ROOT / "CONTRIBUTING.md").tables[0].names() if name.startswith("make ")],
        [f"make {name}" for name in re.findall(r"(?m)^([a-z-]+):.*##", MAKEFILE) if name != "help"],
    ),
    "promises": (GUARANTEES.tables[0].cells(), re.findall(r"(?m)^(I\d+) ", str(invariants.__doc__))),
    "pauses before an attempt": (pauses(), [(attempt, PUT_BACK.ceiling(attempt - 1)) for attempt in ATTEMPTS]),
    "classes of errors": (ERRORS.tables[0].names(), [each.__name__ for each in classes(errors)]),
}


@pytest.mark.parametrize("what", LISTS)
def test_a_table_lists_what_the_code_has_and_nothing_else(what: str) -> None:
    shown, known = LISTS[what]
    assert set(shown) == set(known)


def test_the_index_of_the_log_has_the_fields_that_are_written() -> None:
    """A field that is renamed in the function alone would be found by no search and no alert."""
    documented = {name for table in LOG.tables[1:4] for name in table.names()} - {"time"}
    indices = TEMPLATE["resources"]["infra"]["props"]["template"]["Resources"]["LogIndex"]["Properties"]["KeyIndices"]
    [index] = [each for each in indices if each["Type"] == "json"]
    indexed = {item["Name"].partition(".")[0] for item in index["JsonKeyIndices"]}
    assert documented <= indexed <= documented | fields_of("misconfigured")


def test_every_step_and_field_of_a_rule_of_faults_is_named() -> None:
    """What `faults set` takes."""
    assert {*get_args(Step), *Rule.model_fields} <= set(code_spans(page("local-cloud").sections(2)[-1].prose))
