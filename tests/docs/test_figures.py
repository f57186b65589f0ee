"""Figures and policies of docs/deploying.md, docs/quota.md and docs/costs.md: they follow from template.yml."""

import json
import re
from typing import Any

import pytest

from emulator.template.reader import load
from handler.settings import Settings
from handler.store import SCRIPT
from tests.docs.pages import TEMPLATE, code_spans, page
from tests.support.paths import ROOT

COSTS, DEPLOYING, QUOTA = page("costs"), page("deploying"), page("quota")
CALL, MEMORY, DISK, PRICE = 0.0075, 0.15, 0.05, 0.000020
"""CU a call, a GB-second of memory and of disk; USD a CU."""


def test_the_calls_of_each_environment_are_those_of_its_shares() -> None:
    """In any second, all functions of one file together: with a store what it gives, else the sum of their own shares."""
    for file, _, calls, _ in DEPLOYING.table("differs in").rows:
        functions = [each for each in load(ROOT / file.strip("`"), environ={}).functions if each.instances != 0]
        made = [Settings.read({**function.variables, "FC_REGION": "cn-shanghai"}) for function in functions]
        shared = {1 + int(settings.rate) for settings in made if settings.store}
        assert (shared or {sum(settings.most_in_a_second for settings in made)}) == {int(calls)}, file


def test_the_role_is_the_template_s() -> None:
    [shown] = map(json.loads, DEPLOYING.code("json"))
    resources = TEMPLATE["resources"]["infra"]["props"]["template"]["Resources"]
    policy = resources["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    assert rights(shown) == rights(policy)


def rights(policy: Any) -> list[object]:
    """List effect, actions and resources of each statement; of a resource only the last of its names."""
    parts = policy["Statement"]
    return [(part["Effect"], part["Action"], [last_name(each) for each in part["Resource"]]) for part in parts]


def last_name(resource: Any) -> str:
    """Put in the names of the template's queues, topic and log store, and return the last one."""
    if not isinstance(resource, str):
        variables = {"Results": "result_topic", "Requests": "request_queue", "DeadLetters": "dead_letter_queue"}
        parts = [part["Fn::GetAtt"][0] for part in resource["Fn::Join"][1] if "Fn::GetAtt" in part]
        resource = TEMPLATE["vars"][{**variables, "LogStore": "log_store"}[parts[-1]]].replace("${vars.suffix}", "")
    return str(resource.removesuffix("/messages").rpartition("/")[2])


def settings(instances: object, qps: str = "9") -> Settings:
    """Make a function's settings with this share of the quota."""
    environ = {"OTA_REGION": "cn-shanghai", "OTA_MNS_ENDPOINT": "https://mns.example", "OTA_RESULT_TOPIC": "t"}
    return Settings.read({**environ, "OTA_QPS": qps, "OTA_QUOTA_INSTANCES": str(instances)})


def test_the_quota_s_table_is_what_the_function_makes_of_its_settings() -> None:
    for count, each, most, together in QUOTA.tables[2].rows:
        made = settings(count)
        throughput = made.share * int(count)
        assert (float(each), int(most)) == (round(made.share, 3), made.most_in_a_second)
        assert together == f"{round(throughput, 3):g} ({throughput / 9:.0%})".replace("%", " %")


def test_the_defaults_of_the_quota_are_the_template_s() -> None:
    """And together they keep to the account's limit."""
    variables, total = TEMPLATE["vars"], 0
    *rows, last = QUOTA.tables[0].rows
    for row, name, instances in zip(rows, ("queue", "http"), (1, variables["http_instances"]), strict=True):
        share = variables[f"qps_{name}"]
        most = settings(instances, share).most_in_a_second
        shown = [row[0], code_spans(row[1]), *row[2:]]
        assert shown == [f"`ota-modules-{name}`", [f"qps_{name}: '{share}'"], str(instances), str(most)]
        total += most
    assert int(last[3]) == total


def test_the_rights_of_a_store_s_user_are_what_the_script_needs() -> None:
    """The commands that the script calls, and those that call the script."""
    [line] = [block.text for block in QUOTA.blocks if block.text.startswith("ACL")]
    called = {command.lower() for command in re.findall(r"redis\.call\('([A-Z]+)'", SCRIPT)}
    assert {word[1:] for word in line.split() if word.startswith("+")} == called | {"eval"}
    assert f"~{{{Settings.model_fields['OTA_QUOTA_KEY'].default}}}:*" in line.split()


def cu_a_second(props: Any) -> float:
    """Return what an instance of a function costs while it works or waits."""
    return float(props["cpu"] + MEMORY * props["memorySize"] / 1024 + DISK * props["diskSize"] / 1024)


def test_a_function_has_the_size_and_the_price_of_the_table_and_a_month_comes_to_what_the_formula_says() -> None:
    """Seconds and calls, at the rate of the function that the row is about."""
    assert set(COSTS.tables[0].names()) == {"ota-modules-queue", "ota-modules-http"}
    for name, *cells in COSTS.tables[0].rows:
        props = TEMPLATE["resources"][code_spans(name)[0].removeprefix("ota-modules-")]["props"]
        sizes = [props["cpu"], props["memorySize"], props["diskSize"], cu_a_second(props)]
        assert [float(cell) for cell in cells] == pytest.approx(sizes)
    for what, *cells in COSTS.tables[1].rows:
        seconds, calls, cu, usd = (float(cell.replace(",", "")) for cell in cells)
        props = TEMPLATE["resources"]["http" if "HTTP" in what else "queue"]["props"]
        expected = seconds * cu_a_second(props) + calls * CALL
        assert cu == pytest.approx(expected, rel=0.01)
        assert usd == pytest.approx(expected * PRICE, rel=0.03, abs=0.0006)
