"""docs/operating.md: every reason, log line and error of the function."""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

import pytest
import yaml

from handler import errors
from handler.log import Log
from handler.outcomes import Reason, Why
from handler.pipeline import Report
from tests.docs.markdown import code_spans
from tests.docs.pages import page
from tests.support.fake_iot import busy
from tests.support.paths import ROOT
from tests.support.pipeline_world import wanted, world

PAGE = page("operating")
WATCH, ALARMS, RUNBOOK, REASONS, CODES, LOG, TRACES, ERRORS = PAGE.sections(2)
TEMPLATES: Mapping[str, Any] = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))["resources"]
STACK, MADE = (TEMPLATES[name]["props"]["template"]["Resources"] for name in ("infra", "alarms"))
LEVELS = ("debug", "info", "warning", "error")


class Line(NamedTuple):
    """A call that writes to the log: its level, its event and the names of its fields."""

    level: str
    event: str
    fields: frozenset[str]


def lines() -> Iterator[Line]:
    """Every such call in the function's source."""
    for path in sorted((ROOT / "handler").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and "log" in f"{path.name} {ast.unparse(node.func)}".lower():
                    names = frozenset(keyword.arg for keyword in node.keywords if keyword.arg)
                    yield Line(node.func.attr.upper(), str(first.value), names)


def test_every_reason_of_an_unfinished_request_is_explained() -> None:
    """What stands in the log and in dead letters."""
    assert set(REASONS.tables[0].names()) == set(get_args(Reason))


def test_every_reason_of_a_rejected_request_is_explained() -> None:
    """What stands in the log."""
    assert set(REASONS.tables[1].names()) == set(get_args(Why))


def test_every_event_of_the_log_is_explained_with_its_level() -> None:
    """A new line of the log fails here until the page says what to do about it."""
    shown = {(row[0], row[1].strip("`")) for row in LOG.tables[0].rows}
    assert shown == {(line.level, line.event) for line in lines()}


def test_the_fields_of_every_line_are_explained() -> None:
    """What the log itself adds."""
    written: list[str] = []
    Log(write=written.append).info("summary")
    assert set(LOG.tables[1].names()) == set(json.loads(written[0]))


def test_every_field_of_a_request_s_line_is_explained() -> None:
    """`request_id` is bound once for each invocation."""
    here = world(*[busy] * 99)
    here.run(wanted(CorrelationId="c", traceparent=f"00-{'1' * 32}-{'2' * 16}-01"))
    [line] = here.log("request")
    assert set(LOG.tables[2].names()) - {"unfinished"} == {*line, "request_id"} - set(LOG.tables[1].names())


def test_every_field_of_a_summary_is_explained() -> None:
    """Counts by status, and what an invocation cost."""
    [written] = [line.fields for line in lines() if line.event == "summary"]
    assert set(LOG.tables[3].names()) == {*written, *Report([], []).summary()}


def test_the_index_of_the_log_has_the_fields_that_are_written() -> None:
    """A field that is renamed in the function alone would be found by no search and no alert."""
    documented = {name for table in LOG.tables[1:4] for name in table.names()} - {"time", "unfinished"}
    written = documented | {name for line in lines() if line.event == "misconfigured" for name in line.fields}
    [index] = [each for each in STACK["LogIndex"]["Properties"]["KeyIndices"] if each["Type"] == "json"]
    indexed = {item["Name"].partition(".")[0] for item in index["JsonKeyIndices"]}
    assert documented <= indexed <= written


@pytest.mark.parametrize(
    ("table", "kind"),
    [(0, "ALIYUN::CMS::ResourceMetricRule"), (1, "ALIYUN::SLS::Alert"), (2, "ALIYUN::SLS::Savedsearch")],
)
def test_every_alarm_alert_and_search_of_the_template_is_explained(table: int, kind: str) -> None:
    """Whoever is paged by one finds here what it means."""
    properties = [made["Properties"] for made in MADE.values() if made["Type"] == kind]
    named = [
        each.get("RuleName") or each["Detail"].get("Name") or each["Detail"]["SavedsearchName"] for each in properties
    ]
    shown = [name for row in ALARMS.tables[table].rows for name in code_spans(row[0])]
    assert sorted(shown) == sorted(name["Fn::Join"][1][1] for name in named)


def test_every_error_class_is_explained() -> None:
    """The tree of handler/errors.py."""
    classes = {name for name, each in inspect.getmembers(errors, inspect.isclass) if each.__module__ == errors.__name__}
    assert set(ERRORS.tables[0].names()) == classes


def test_the_runbook_says_what_to_do_about_every_alarm_and_alert() -> None:
    """Whoever is paged looks for its name in the second column."""
    paging = {name for table in ALARMS.tables[:2] for row in table.rows for name in code_spans(row[0])}
    assert paging <= {name for row in RUNBOOK.tables[0].rows for name in code_spans(row[1])}
