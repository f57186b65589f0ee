"""Alarms, alerts, searches and dashboard of template.yml: who is paged, and what they find in lines of the log."""

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from emulator.template.reader import ros_templates
from tests.support.paths import ROOT
from tests.support.vendor import Document

Row = Mapping[str, Any]
"""A line as the log store holds it: `__time__`, `functionName`, `message` as text, and its fields as `message.field`."""
STACKS = ros_templates(ROOT / "template.yml")
STACK: Document = STACKS["alarms"]


def properties(kind: str) -> dict[str, Any]:
    """Return the properties of all resources of a kind, by name."""
    return {name: item["Properties"] for name, item in STACK["Resources"].items() if item["Type"] == kind}


RULES = properties("ALIYUN::CMS::ResourceMetricRule").values()
ALERTS = properties("ALIYUN::SLS::Alert")
SEARCHES = properties("ALIYUN::SLS::Savedsearch")
CHARTS = STACK["Resources"]["Dashboard"]["Properties"]["Charts"]
INDICES = STACKS["infra"]["Resources"]["LogIndex"]["Properties"]["KeyIndices"]
INDEXED = [key["Name"] for index in INDICES if index["Type"] == "json" for key in index["JsonKeyIndices"]]


def run(query: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows of a query's result: the search by hand, the SQL, which Presto and SQLite read alike, by SQLite.

    Raises: sqlite3.OperationalError: the SQL names a field that the index does not know.
    """
    search, _, statement = query.partition("|")
    matching = [row for row in rows if all(matches(term.strip(), row) for term in search.split(" and "))]
    if not statement:
        return [dict(row) for row in matching]
    columns = ["__time__", "functionName", *(f"message.{field}" for field in INDEXED)]
    # Quoted names that SQLite does not know would be taken for texts.
    if unknown := set(re.findall(r'"([^"]+)"', statement)) - set(columns):
        raise sqlite3.OperationalError(f"the index has no {', '.join(sorted(unknown))}")
    base = sqlite3.connect(":memory:")
    base.row_factory = sqlite3.Row
    base.create_function("from_unixtime", 1, lambda seconds: seconds)
    base.execute(f"create table log ({', '.join(json.dumps(name) for name in columns)})")
    values = [[row.get(column) for column in columns] for row in matching]
    base.executemany(f"insert into log values ({', '.join('?' * len(columns))})", values)
    select, *tail = re.split(r"(?= (?:group|order|limit) )", statement, maxsplit=1)
    return [dict(row) for row in base.execute(f"{select} from log {''.join(tail)}")]


def matches(term: str, row: Row) -> bool:
    if term.startswith("message."):
        name, _, value = term.partition(":")
        return str(row.get(name.strip(), "")).lower() == value.strip().lower()
    return term.strip('"').lower() in row["message"].lower()


def lines(*messages: Mapping[str, Any] | str) -> list[Row]:
    """Return lines of the log, a minute apart."""
    rows: list[Row] = []
    for message in messages:
        text, fields = (message, {}) if isinstance(message, str) else (json.dumps(message), message)
        indexed = {f"message.{name}": value for name, value in fields.items()}
        head = {"__time__": 1_800_000_000 + 60 * len(rows), "functionName": "ota-modules-queue", "message": text}
        rows.append({**head, **indexed})
    return rows


END = "FC Invoke End RequestId: 1"
REQUEST = {"level": "INFO", "event": "request", "status": "created"}
SUMMARY = {"level": "INFO", "event": "summary", "calls": 10, "throttles": 0, "put_back": 0, "oldest_s": 1.0}
QUIET = lines(SUMMARY, REQUEST, {**REQUEST, "status": "rejected", "reason": "limit"}, END)
LOUD: dict[str, list[Row]] = {
    "GivenUp": lines({**REQUEST, "level": "ERROR", "status": "failed", "reason": "upstream"}),
    "Misconfigured": lines({"level": "ERROR", "event": "misconfigured", "code": "Forbidden.RAM"}),
    "Throttled": lines({**SUMMARY, "calls": 100, "throttles": 30}),
    "Oldest": lines({**SUMMARY, "oldest_s": 4000.5}),
    "Ended": lines(f"{END}, Error: Function timed out after 300 seconds"),
}


@pytest.mark.parametrize(
    ("kind", "parameter"), [("CMS::ResourceMetricRule", "ContactGroup"), ("SLS::Alert", "ActionPolicy")]
)
def test_alarms_are_left_out_where_nobody_is_named(kind: str, parameter: str) -> None:
    """By default no contact group and no action policy is named, and all that would page stands under a condition."""
    condition = f"Has{parameter}"
    conditions = {item["Condition"] for item in STACK["Resources"].values() if item["Type"] == f"ALIYUN::{kind}"}
    assert conditions == {condition}
    assert STACK["Parameters"][parameter]["Default"] == ""
    assert STACK["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def test_there_is_an_alarm_for_each_thing_that_pages() -> None:
    """Dead letters, a backlog, requests that keep coming back, errors, throttles, and outcomes that nobody reads."""
    seen = {(rule["MetricName"], *rule["Resources"][0].values())[0::2] for rule in RULES}
    assert {
        ("NumberOfMessagesVisible", "ota-module-dead-letters"),
        ("NumberOfMessagesVisible", "ota-module-requests"),
        ("NumberOfMessagesDelayed", "ota-module-requests"),
        ("NumberOfMessagesVisible", "ota-module-outcomes"),
        ("FunctionFunctionErrors", "ota-modules-queue"),
        ("FunctionFunctionErrors", "ota-modules-http"),
        ("FunctionConcurrencyThrottles", "ota-modules-http"),
    } <= seen
    errors = [rule["Escalations"] for rule in RULES if rule["MetricName"] == "FunctionFunctionErrors"]
    # After the first minutes a batch is tried every 512 s: no two minutes in a row have an error.
    assert {escalations["Critical"]["Times"] for escalations in errors} == {1}
    depths = [rule["Escalations"] for rule in RULES if rule["Resources"][0].get("queue") == "ota-module-requests"]
    # A stream that stopped logs nothing and calls nothing: only the depth of the queue tells.
    assert "0" in {level["Threshold"] for escalations in depths for level in escalations.values()}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_hears_its_lines_and_is_silent_otherwise(name: str) -> None:
    """Its query and its condition hold on lines of the trouble that it is for, and not on a quiet day's."""
    configuration = ALERTS[name]["Detail"]["Configuration"]
    [query], [severity] = configuration["QueryList"], configuration["SeverityConfigurations"]
    field, sign, bound = severity["EvalCondition"]["Condition"].split()
    results = (run(query["Query"], rows) for rows in (LOUD[name], QUIET))
    fires = [any((row[field] or 0) > float(bound) for row in result) for result in results]
    assert (sign, fires) == (">", [True, False])


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart["title"])
def test_a_chart_has_rows_with_its_axes(chart: Document) -> None:
    rows = sum(LOUD.values(), QUIET)
    first = run(chart["search"]["query"], rows)[0]
    assert {*chart["display"]["xAxis"], *chart["display"]["yAxis"]} <= first.keys()


@pytest.mark.parametrize("name", SEARCHES)
def test_the_fields_of_a_saved_search_are_in_the_index(name: str) -> None:
    run(SEARCHES[name]["Detail"]["SearchQuery"], QUIET)
