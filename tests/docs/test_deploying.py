"""docs/deploying.md and docs/quota.md: what template.yml deploys."""

import json
import re
from typing import Any

from emulator.template.reader import load
from handler.settings import Settings
from handler.store import SCRIPT
from tests.docs.markdown import code_spans
from tests.docs.pages import TEMPLATE, page
from tests.support.paths import ROOT

DEPLOYING = page("deploying")
QUOTA = page("quota")


def test_the_calls_of_each_environment_are_those_of_its_shares() -> None:
    """In any second, all functions of one file together: with a store what it gives, else the sum of their own shares."""
    for file, _, calls, _ in DEPLOYING.table("differs in").rows:
        functions = [each for each in load(ROOT / file.strip("`"), environ={}).functions if each.instances != 0]
        made = [Settings.read({**function.variables, "FC_REGION": "cn-shanghai"}) for function in functions]
        shared = {1 + int(settings.rate) for settings in made if settings.store}
        assert (shared or {sum(settings.most_in_a_second for settings in made)}) == {int(calls)}, file


def test_the_role_is_the_template_s() -> None:
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
    for count, each, most, together in QUOTA.tables[2].rows:
        found = settings(int(count))
        shown = (float(each), int(most), float(together.split()[0]), together.split("(")[1].rstrip(" %)"))
        share = round(found.share, 3)
        throughput = found.share * int(count)
        assert shown == (share, found.most_in_a_second, round(throughput, 3), f"{throughput / 9:.0%}".rstrip("%"))


def test_the_defaults_of_the_quota_are_the_template_s() -> None:
    """And together they keep to the account's limit."""
    variables, total = TEMPLATE["vars"], 0
    *rows, last = QUOTA.tables[0].rows
    for row, name, instances in zip(rows, ("queue", "http"), (1, variables["http_instances"]), strict=True):
        share = variables[f"qps_{name}"]
        most = settings(instances, share).most_in_a_second
        assert [row[0], code_spans(row[1]), *row[2:]] == [
            f"`ota-modules-{name}`", [f"qps_{name}: '{share}'"], str(instances), str(most)
        ]  # fmt: skip
        total += most
    assert int(last[3]) == total


def test_the_rights_of_a_store_s_user_are_what_the_script_needs() -> None:
    """The commands that the script calls, and those that call the script."""
    [line] = [block.text for block in QUOTA.blocks if block.text.startswith("ACL")]
    called = {command.lower() for command in re.findall(r"redis\.call\('([A-Z]+)'", SCRIPT)}
    assert {word[1:] for word in line.split() if word.startswith("+")} == called | {"eval"}
    assert f"~{{{Settings.model_fields['OTA_QUOTA_KEY'].default}}}:*" in line.split()
