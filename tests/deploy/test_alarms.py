"""Alarms, alerts, searches and dashboard of template.yml: taken by the vendor's classes, and run on lines really written."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.template.reader import ros_templates
from tests.support import log_queries, vendor
from tests.support.paths import ROOT
from tests.support.vendor import Document

STACKS = ros_templates(ROOT / "template.yml")
RESOURCES: Document = STACKS["alarms"]["Resources"]
CHARTS = RESOURCES["Dashboard"]["Properties"]["Charts"]
ALERTS = {name: item for name, item in RESOURCES.items() if item["Type"] == "ALIYUN::SLS::Alert"}
RULES = {name: item for name, item in RESOURCES.items() if item["Type"] == "ALIYUN::CMS::ResourceMetricRule"}
SEARCHES = {name: item for name, item in RESOURCES.items() if item["Type"] == "ALIYUN::SLS::Savedsearch"}
(INDEX,) = [
    item["JsonKeyIndices"]
    for item in STACKS["infra"]["Resources"]["LogIndex"]["Properties"]["KeyIndices"]
    if item["Type"] == "json"
]
REQUESTS = "ota-module-requests"
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


def test_the_vendors_classes_find_nothing_wrong_and_catch_planted_mistakes() -> None:
    """Required properties, types and nested keys are as ROS has them; each mistake is found, and named."""
    mistakes: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "contact_groups": ("DeadLetters", lambda properties: properties.pop("ContactGroups")),
        "bogus": ("DeadLetters", lambda properties: properties.update(Bogus=1)),
        "comparisonOperator": (
            "Backlog",
            lambda properties: properties["Escalations"]["Warn"].update(ComparisonOperator="Huge"),
        ),
        "queryList": ("GivenUp", lambda properties: properties["Detail"]["Configuration"].pop("QueryList")),
        "charts": ("Dashboard", lambda properties: properties.pop("Charts")),
        "savedsearchName": ("Search1", lambda properties: properties["Detail"].pop("SavedsearchName")),
    }
    good, *bad = vendor.stack_problems([STACKS["alarms"], *(spoilt(*mistake) for mistake in mistakes.values())])
    assert good == []
    missed = [name for name, problems in zip(mistakes, bad, strict=True) if not any(name in item for item in problems)]
    assert missed == []


def spoilt(resource: str, mistake: Callable[[Any], Any]) -> Document:
    """A template with one resource, which has a mistake in it."""
    item = copy.deepcopy(RESOURCES[resource])
    mistake(item["Properties"])
    return {"Resources": {resource: item}}


def test_an_error_that_lasts_pages_however_seldom_the_stream_tries_again() -> None:
    """After the first minutes a batch is tried every 512 s: no two minutes in a row have an error."""
    errors = [
        each["Properties"] for each in RULES.values() if each["Properties"]["MetricName"] == "FunctionFunctionErrors"
    ]
    assert {each["Escalations"]["Critical"]["Times"] for each in errors} == {1}


def test_a_stream_that_stopped_pages_even_where_little_waits() -> None:
    """It logs nothing and calls nothing: only the depth of the queue tells."""
    depth = [
        each["Properties"] for each in RULES.values() if each["Properties"]["Resources"][0].get("queue") == REQUESTS
    ]
    assert "0" in {rule["Threshold"] for each in depth for rule in each["Escalations"].values()}


def test_alarms_are_left_out_where_nobody_is_named() -> None:
    """By default no contact group and no action policy is named, and all that would page stands under a condition."""
    template = STACKS["alarms"]
    assert {item["Condition"] for item in RULES.values()} == {"HasContactGroup"}
    assert {item["Condition"] for item in ALERTS.values()} == {"HasActionPolicy"}
    assert template["Parameters"]["ContactGroup"]["Default"] == ""
    assert template["Parameters"]["ActionPolicy"]["Default"] == ""
    assert template["Conditions"]["HasContactGroup"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ContactGroup"}, ""]}]}
    assert template["Conditions"]["HasActionPolicy"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ActionPolicy"}, ""]}]}


def test_there_is_an_alarm_for_each_thing_that_pages() -> None:
    """Dead letters, a backlog, requests that keep coming back, errors, throttles, and outcomes that nobody reads."""
    seen = {
        (item["Properties"]["MetricName"], *item["Properties"]["Resources"][0].values())[0::2]
        for item in RULES.values()
    }
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
    configuration = ALERTS[name]["Properties"]["Detail"]["Configuration"]
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
    """Each query of the dashboard gives rows, and the columns that its axes name."""
    rows = [row for rows in (QUIET, *LOUD.values()) for row in rows]
    found = log_queries.run(chart["search"]["query"], rows, INDEXED)
    assert found
    assert {*chart["display"]["xAxis"], *chart["display"]["yAxis"]} <= found[0].keys()


@pytest.mark.parametrize("name", SEARCHES)
def test_a_saved_search_can_be_run(name: str) -> None:
    """Its fields are all in the index."""
    log_queries.run(SEARCHES[name]["Properties"]["Detail"]["SearchQuery"], QUIET, INDEXED)
