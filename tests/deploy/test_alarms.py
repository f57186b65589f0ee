"""Alarms, alerts, searches and dashboard of template.yml: who is paged, and what they find in lines of the log."""

import json
from typing import Any

import pytest

from emulator.template.reader import ros_templates
from tests.support import log_queries
from tests.support.paths import ROOT
from tests.support.vendor import Document

STACKS = ros_templates(ROOT / "template.yml")
STACK: Document = STACKS["alarms"]


def properties(kind: str) -> dict[str, Any]:
    """The properties of all resources of a kind, by name."""
    return {name: item["Properties"] for name, item in STACK["Resources"].items() if item["Type"] == kind}


RULES = properties("ALIYUN::CMS::ResourceMetricRule").values()
ALERTS = properties("ALIYUN::SLS::Alert")
SEARCHES = properties("ALIYUN::SLS::Savedsearch")
CHARTS = STACK["Resources"]["Dashboard"]["Properties"]["Charts"]
(INDEX,) = [
    item["JsonKeyIndices"]
    for item in STACKS["infra"]["Resources"]["LogIndex"]["Properties"]["KeyIndices"]
    if item["Type"] == "json"
]
INDEXED = [item["Name"] for item in INDEX]


def lines(*messages: dict[str, Any] | str) -> list[log_queries.Row]:
    """Lines of the log, a minute apart."""
    return [
        {
            "__time__": 1_800_000_000 + 60 * number,
            "functionName": "ota-modules-queue",
            "message": message if isinstance(message, str) else json.dumps(message),
        }
        for number, message in enumerate(messages)
    ]


def summary(**fields: Any) -> dict[str, Any]:
    return {"level": "INFO", "event": "summary", "calls": 10, "throttles": 0, "put_back": 0, "oldest_s": 1.0, **fields}


def request(**fields: Any) -> dict[str, Any]:
    return {"level": "INFO", "event": "request", "status": "created", **fields}


QUIET = lines(summary(), request(), request(status="rejected", reason="limit"), "FC Invoke End RequestId: 1")
LOUD: dict[str, list[log_queries.Row]] = {
    "GivenUp": lines(request(level="ERROR", status="failed", reason="upstream")),
    "Misconfigured": lines({"level": "ERROR", "event": "misconfigured", "code": "Forbidden.RAM"}),
    "Throttled": lines(summary(calls=100, throttles=30)),
    "Oldest": lines(summary(oldest_s=4000.5)),
    "Ended": lines("FC Invoke End RequestId: 1, Error: Function timed out after 300 seconds"),
}


def test_an_error_that_lasts_pages_however_seldom_the_stream_tries_again() -> None:
    """After the first minutes a batch is tried every 512 s: no two minutes in a row have an error."""
    errors = [rule for rule in RULES if rule["MetricName"] == "FunctionFunctionErrors"]
    assert {rule["Escalations"]["Critical"]["Times"] for rule in errors} == {1}


def test_a_stream_that_stopped_pages_even_where_little_waits() -> None:
    """It logs nothing and calls nothing: only the depth of the queue tells."""
    depth = [rule for rule in RULES if rule["Resources"][0].get("queue") == "ota-module-requests"]
    assert "0" in {each["Threshold"] for rule in depth for each in rule["Escalations"].values()}


@pytest.mark.parametrize(
    ("kind", "condition", "parameter"),
    [
        ("ALIYUN::CMS::ResourceMetricRule", "HasContactGroup", "ContactGroup"),
        ("ALIYUN::SLS::Alert", "HasActionPolicy", "ActionPolicy"),
    ],
)
def test_alarms_are_left_out_where_nobody_is_named(kind: str, condition: str, parameter: str) -> None:
    """By default no contact group and no action policy is named, and all that would page stands under a condition."""
    assert {item["Condition"] for item in STACK["Resources"].values() if item["Type"] == kind} == {condition}
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


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_hears_its_lines_and_is_silent_otherwise(name: str) -> None:
    """Its query and its condition hold on lines of the trouble that it is for, and not on a quiet day's."""
    configuration = ALERTS[name]["Detail"]["Configuration"]
    (query,) = configuration["QueryList"]
    (severity,) = configuration["SeverityConfigurations"]
    field, sign, bound = severity["EvalCondition"]["Condition"].split()
    assert sign == ">"

    def fires(rows: list[log_queries.Row]) -> bool:
        return any((row[field] or 0) > float(bound) for row in log_queries.run(query["Query"], rows, INDEXED))

    assert fires(LOUD[name])
    assert not fires(QUIET)


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart["title"])
def test_a_chart_has_rows_with_its_axes(chart: Document) -> None:
    rows = [row for rows in (QUIET, *LOUD.values()) for row in rows]
    found = log_queries.run(chart["search"]["query"], rows, INDEXED)
    assert found
    assert {*chart["display"]["xAxis"], *chart["display"]["yAxis"]} <= found[0].keys()


@pytest.mark.parametrize("name", SEARCHES)
def test_a_saved_search_can_be_run(name: str) -> None:
    """Its fields are all in the index."""
    log_queries.run(SEARCHES[name]["Detail"]["SearchQuery"], QUIET, INDEXED)
