"""The environments beside template.yml: names of their own, and one quota of an account for all of them together."""

import re
from pathlib import Path

import pytest
import yaml

from emulator.template.reader import load
from emulator.template.schema import Function
from handler.settings import ACCOUNT_LIMIT, Settings
from tests.support import vendor
from tests.support.paths import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8"))
JOBS = WORKFLOW["jobs"]
FILES = sorted((ROOT / "environments").glob("*.yml"))
PROD, STAGING, STORE, WHOLE = FILES


def settings_of(path: Path) -> list[tuple[Function, Settings]]:
    """Read the functions that run, with what each of them makes of its variables."""
    functions = [function for function in load(path, environ={}).functions if function.instances != 0]
    return [(item, Settings.read({**item.variables, "FC_REGION": "cn-shanghai"})) for item in functions]


def test_staging_and_production_share_the_accounts_limit_and_no_name() -> None:
    """In any second, all functions of both make at most ten calls of an operation."""
    staging, prod = (load(path, environ={}) for path in (STAGING, PROD))
    for kind in ("queues", "functions", "roles"):
        assert not {item.name for item in getattr(staging, kind)} & {item.name for item in getattr(prod, kind)}
    assert not set(staging.topics) & set(prod.topics)
    both = [*settings_of(STAGING), *settings_of(PROD)]
    assert sum(settings.most_in_a_second for _, settings in both) <= ACCOUNT_LIMIT


@pytest.mark.parametrize("path", [ROOT / "template.yml", *FILES], ids=lambda path: path.stem)
def test_every_deployment_keeps_the_accounts_limit(path: Path) -> None:
    """By the settings' own rule, whether a store shares the quota or is down; and no function warns of its share.

    Without a store a function divides its share among its own instances, with one among those of all functions.
    """
    functions = settings_of(path)
    assert sum((function.instances or 100) * (1 + int(item.share)) for function, item in functions) <= ACCOUNT_LIMIT
    together = sum(function.instances or 0 for function, _ in functions)
    for function, item in functions:
        assert not item.store or 1 + int(item.rate) <= ACCOUNT_LIMIT
        assert (together if item.store else function.instances) == item.OTA_QUOTA_INSTANCES
        assert item.warnings() == []


def test_an_account_of_its_own_and_a_store_use_98_percent_of_the_limit() -> None:
    [(queue, alone)] = settings_of(WHOLE)
    assert (queue.name, alone.share) == ("ota-modules-queue", 9.8)
    assert {item.rate for _, item in settings_of(STORE)} == {9.8}


def test_production_is_called_by_its_alias() -> None:
    """What the alias names is turned back by one command; without an environment of its own nothing is."""
    functions = vendor.functions(vendor.preview(PROD)).values()
    assert {trigger["qualifier"] for props in functions for trigger in props["triggers"]} == {"live"}


def test_the_workflow_deploys_both_environments_and_ends_with_a_probe() -> None:
    """Validated, packaged and previewed first; production only after staging, function before alias before trigger."""
    steps = {name: "\n".join(step.get("run", "") for step in job["steps"]) for name, job in JOBS.items()}
    assert "make lint package" in steps["package"]
    assert set(re.findall(r"environments/([\w-]+\.yml)", steps["package"])) == {"staging.yml", "prod.yml"}
    assert (JOBS["staging"]["needs"], JOBS["prod"]["needs"]) == ("package", "staging")
    order = ("deploy --function", "version publish", "alias publish", "deploy --trigger")
    places = [steps["prod"].index(command) for command in order]
    assert places == sorted(places)
    for name in ("staging", "prod"):
        assert steps[name].rstrip().splitlines()[-1].startswith(".venv/bin/ota-modules doctor --send")
    assert WORKFLOW["permissions"]["id-token"] == "write"
    assert re.findall(r"secrets\.(\w+)", str(WORKFLOW)) == ["TRACE_URL"]  # and no key of the account


@pytest.mark.parametrize("path", [STAGING, PROD], ids=lambda path: path.stem)
def test_the_workflow_sets_what_an_environment_reads_and_no_more(path: Path) -> None:
    """Or nobody would be paged, and nobody would notice."""
    variables = re.findall(r"env\('(\w+)'", path.read_text(encoding="utf-8"))
    assert {*variables, "OTA_REGION", "OTA_TARGET"} == set(JOBS[path.stem]["env"])
