"""Tables of the documentation: each lists what the code has, and nothing else."""

import re
from collections import defaultdict
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
from handler import envelopes, errors
from handler.answers import KINDS as PROBLEMS
from handler.messages import ModuleRequest, Policy
from handler.outcomes import Outcome, Reason, Status, Why
from handler.settings import Settings
from handler.web import ROUTES
from tests.docs.command_line import COMMON
from tests.docs.markdown import Page, Table, code_spans
from tests.docs.pages import MAKEFILE, README, TEMPLATE, page
from tests.support.paths import ROOT

MANIFEST = page("manifest")
REQUEST, ENVELOPES, OUTCOME, _, HTTP, SETTINGS = page("contract").sections(2)
_, ALARMS, RUNBOOK, REASONS, _, LOG, _, ERRORS = page("operating").sections(2)
DERIVED = ("OTA_REGION", "OTA_IOT_ENDPOINT")
"""Settings whose default depends on other variables."""
STATUSES = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT, HTTPStatus.MULTI_STATUS}
PLATFORM_STATUSES = {403, 429}
"""What Function Compute answers itself."""
PAGING = [name for table in ALARMS.tables[:2] for name in table.names()]


def by_name(table: Table, column: int) -> Iterator[tuple[str, frozenset[str]]]:
    """Each name in a table's first column, with the words of another column."""
    for row in table.rows:
        words = frozenset(word.strip("` ").lower() for word in row[column].split(","))
        yield from ((name, words - {""}) for name in code_spans(row[0]))


def default_of(field: Any) -> str:
    """A setting's default as the page has it."""
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return str(field.default).lower()
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def classes(module: ModuleType) -> list[type]:
    """The classes that a module defines."""
    return [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]


def fields_of(event: str) -> set[str]:
    """The fields that only this event of the log has."""
    return {*EVENTS[event].always, *EVENTS[event].sometimes}


def resources(kind: str) -> list[str]:
    """The names of the template's alarms, alerts or saved searches."""
    made = TEMPLATE["resources"]["alarms"]["props"]["template"]["Resources"].values()
    found = [each["Properties"] for each in made if each["Type"] == kind]
    names = [each.get("RuleName") or each["Detail"].get("Name") or each["Detail"]["SavedsearchName"] for each in found]
    return [name["Fn::Join"][1][1] for name in names]


def problems() -> Iterator[tuple[str, frozenset[str]]]:
    """The kinds of problems by status."""
    kinds = defaultdict(set)
    for kind in PROBLEMS.values():
        kinds[str(kind.status)].add(kind.name)
    return ((status, frozenset(names)) for status, names in kinds.items())


LISTS: dict[str, tuple[Iterable[object], Iterable[object]]] = {
    "options that mean the same everywhere": (page("command-line").table("option").names(), COMMON),
    "exit statuses": (
        [row[0] for row in page("command-line").table("status").rows],
        ["0", *(str(error.exit_status) for error in classes(cli.errors) if issubclass(error, cli.errors.CliError))],
    ),
    "settings": (SETTINGS.tables[0].names(), Settings.model_fields),
    "defaults of settings": (
        [(row[0].strip("`"), row[1].strip("`")) for row in SETTINGS.tables[0].rows if row[0].strip("`") not in DERIVED],
        [(name, default_of(field)) for name, field in Settings.model_fields.items() if name not in DERIVED],
    ),
    "fields of a request": (REQUEST.tables[0].names(), ModuleRequest.model_fields),
    "ways with what exists": (REQUEST.tables[1].names(), get_args(Policy)),
    "envelopes": (ENVELOPES.tables[0].names(), [shape.source for shape in (*envelopes._SHAPES, envelopes._EVENT)]),
    "statuses": (OUTCOME.tables[0].names(), get_args(Status)),
    "statuses, on the front page": (README.table("status").names(), get_args(Status)),
    "fields of an outcome that consumers may read": (
        OUTCOME.tables[1].names(),
        [name for name, field in Outcome.model_fields.items() if not field.exclude],
    ),
    "paths of the HTTP trigger": ([name.split()[1] for name in HTTP.tables[0].names()], ROUTES),
    "statuses of HTTP": (
        [int(status) for row in HTTP.tables[1].rows for status in row[0].split(",")],
        {kind.status for kind in PROBLEMS.values()} | STATUSES | PLATFORM_STATUSES,
    ),
    "kinds of problems by their status": (
        [(row[1], frozenset(name.strip("` ") for name in row[0].split(","))) for row in HTTP.tables[2].rows],
        problems(),
    ),
    "variables of the template": (
        page("deploying").table("variable at the top of `template.yml`").names(),
        TEMPLATE["vars"],
    ),
    "faults and the services that have them": (
        by_name(page("local-cloud").table("kind"), 1),
        [(name, frozenset(kind.services)) for name, kind in FAULTS.items()],
    ),
    "parts of a grid": (MANIFEST.table("part").names(), PARTS),
    "formats of a manifest": ([row[0].strip("`") for row in MANIFEST.table("format").rows], get_args(Format)),
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
    "alarms": (ALARMS.tables[0].names(), resources("ALIYUN::CMS::ResourceMetricRule")),
    "alerts": (ALARMS.tables[1].names(), resources("ALIYUN::SLS::Alert")),
    "saved searches": (ALARMS.tables[2].names(), resources("ALIYUN::SLS::Savedsearch")),
    "alarms and alerts that the runbook says what to do about": (
        [name for name in RUNBOOK.tables[0].names(1) if name in PAGING],
        PAGING,
    ),
    "targets of make that contributors use": (
        [name for name in Page.read(ROOT / "CONTRIBUTING.md").tables[0].names() if name.startswith("make ")],
        [f"make {name}" for name in re.findall(r"(?m)^([a-z-]+):.*##", MAKEFILE) if name != "help"],
    ),
    "classes of errors": (ERRORS.tables[0].names(), [each.__name__ for each in classes(errors)]),
}


@pytest.mark.parametrize("what", LISTS)
def test_a_table_lists_what_the_code_has_and_nothing_else(what: str) -> None:
    shown, known = LISTS[what]
    assert set(shown) == set(known)
