"""docs/deploying.md and docs/quota.md: what template.yml deploys."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from emulator.template.reader import load
from handler.settings import Settings
from handler.store import SCRIPT
from tests.docs.markdown import code_spans
from tests.docs.pages import page
from tests.support.paths import ROOT

TEMPLATE: Any = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))
DEPLOYING = page("deploying")
QUOTA = page("quota")


def test_every_variable_of_the_template_is_in_the_table() -> None:
    """What may be changed at its top."""
    table = next(table for table in DEPLOYING.tables if "template.yml" in table.heading[0])
    assert set(table.names()) == set(TEMPLATE["vars"])


def test_the_calls_of_each_environment_are_those_of_its_shares() -> None:
    """In any second, all functions of one file together."""
    table = next(
        table for table in DEPLOYING.tables if table.names()[:1] == ["template.yml"] and len(table.heading) == 4
    )
    for file, _, calls, _ in table.rows:
        assert _calls_of(ROOT / file.strip("`")) == int(calls), file


def _calls_of(path: Path) -> int:
    """The most calls in a second of all functions that are not switched off; with a store, of all together."""
    own = yaml.safe_load(path.read_text(encoding="utf-8"))["resources"]
    off = {name for name, resource in own.items() if resource["props"].get("disableOndemand")}
    functions = [each for each in load(path, environ={}).functions if each.name.rpartition("-")[2] not in off]
    made = [Settings.read({**each.variables, "FC_REGION": "cn-shanghai"}) for each in functions]
    shared = {1 + int(settings.rate) for settings in made if settings.store}
    return shared.pop() if shared else sum(settings.most_in_a_second for settings in made)


def test_the_role_is_the_template_s() -> None:
    """Each permission that is granted, for what it is granted."""
    [shown] = [json.loads(block.text) for block in DEPLOYING.blocks if block.language == "json"]
    resources = TEMPLATE["resources"]["infra"]["props"]["template"]["Resources"]
    deployed = resources["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert [(part["Effect"], part["Action"], _kind(part["Resource"])) for part in shown["Statement"]] == [
        (part["Effect"], part["Action"], _kind(part["Resource"])) for part in deployed
    ]


def _kind(resources: list[Any]) -> list[str]:
    """What each resource is called: the last of its names."""
    return [_name(resource).removesuffix("/messages").rpartition("/")[2] for resource in resources]


def _name(resource: Any) -> str:
    """A resource as text, with the names of the template's queues, topic and log store put in."""
    if isinstance(resource, str):
        return resource
    names = {
        "Results": "result_topic",
        "Requests": "request_queue",
        "DeadLetters": "dead_letter_queue",
        "LogStore": "log_store",
    }
    parts = resource["Fn::Join"][1]
    made = [names.get(part["Fn::GetAtt"][0], "") for part in parts if isinstance(part, dict) and "Fn::GetAtt" in part]
    return str(TEMPLATE["vars"][made[-1]]).replace("${vars.suffix}", "")


def settings(instances: int, qps: str = "9") -> Settings:
    """A function's settings with this share of the quota."""
    environ = {"OTA_REGION": "cn-shanghai", "OTA_MNS_ENDPOINT": "https://mns.example", "OTA_RESULT_TOPIC": "t"}
    return Settings.read({**environ, "OTA_QPS": qps, "OTA_QUOTA_INSTANCES": str(instances)})


def test_the_quota_s_table_is_what_the_function_makes_of_its_settings() -> None:
    """Calls in any second and throughput, by the number of instances."""
    table = next(table for table in QUOTA.tables if table.heading[0] == "instances")
    for count, each, most, together in table.rows:
        found = settings(int(count))
        shown = (float(each), int(most), float(together.split()[0]), together.split("(")[1].rstrip(" %)"))
        share = round(found.share, 3)
        throughput = found.share * int(count)
        assert shown == (share, found.most_in_a_second, round(throughput, 3), f"{throughput / 9:.0%}".rstrip("%"))


def test_the_defaults_of_the_quota_are_the_template_s() -> None:
    """And together they keep to the account's limit."""
    table = QUOTA.tables[0]
    shares = {
        "ota-modules-queue": ("qps_queue", 1),
        "ota-modules-http": ("qps_http", TEMPLATE["vars"]["http_instances"]),
    }
    total = 0
    for name, (variable, instances) in shares.items():
        row = next(row for row in table.rows if row[0] == f"`{name}`")
        found = settings(instances, TEMPLATE["vars"][variable])
        assert code_spans(row[1]) == [f"{variable}: '{TEMPLATE['vars'][variable]}'"]
        assert (int(row[2]), int(row[3])) == (instances, found.most_in_a_second)
        total += found.most_in_a_second
    assert int(table.rows[-1][3]) == total


def test_the_rights_of_a_store_s_user_are_what_the_script_needs() -> None:
    """The commands that the script calls, and those that call the script."""
    [line] = [block.text for block in QUOTA.blocks if block.text.startswith("ACL")]
    called = {command.lower() for command in re.findall(r"redis\.call\('([A-Z]+)'", SCRIPT)}
    assert {word[1:] for word in line.split() if word.startswith("+")} == called | {"eval"}
    assert f"~{{{Settings.model_fields['OTA_QUOTA_KEY'].default}}}:*" in line.split()
