"""docs/deploying.md and docs/quota.md: what template.yml deploys."""

import json
from typing import Any

import yaml

from handler.settings import Settings
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


def test_the_role_is_the_template_s() -> None:
    """Each permission that is granted, for what it is granted."""
    [shown] = [json.loads(block.text) for block in DEPLOYING.blocks if block.language == "json"]
    resources = TEMPLATE["resources"]["infra"]["props"]["template"]["Resources"]
    deployed = resources["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert [(part["Effect"], part["Action"], _kind(part["Resource"])) for part in shown["Statement"]] == [
        (part["Effect"], part["Action"], _kind(part["Resource"])) for part in deployed
    ]


def _kind(resources: list[Any]) -> list[str]:
    """What a resource is: every one, the topic, or one of the queues."""
    names = {
        "Results": "ota-module-results",
        "Requests": "ota-module-requests",
        "DeadLetters": "ota-module-dead-letters",
    }
    return [
        resource.split("/")[-2] if resource != "*" else "*"
        for resource in (
            each if isinstance(each, str) else f"/{names[each['Fn::Join'][1][0]['Fn::GetAtt'][0]]}/messages"
            for each in resources
        )
    ]


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
