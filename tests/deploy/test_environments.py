"""The environments beside template.yml: names of their own, and one quota of an account for all of them together."""

from pathlib import Path

import pytest

from emulator.template.reader import Template, load
from handler.settings import ACCOUNT_LIMIT, Settings
from tests.support import vendor
from tests.support.paths import ROOT

FILES = sorted((ROOT / "environments").glob("*.yml"))


def loaded(name: str) -> Template:
    return load(ROOT / "environments" / name, environ={})


def test_staging_and_production_share_no_name() -> None:
    """Deploying one of them changes nothing of the other."""
    staging, prod = loaded("staging.yml"), loaded("prod.yml")

    def names(template: Template) -> set[str]:
        queues = {queue.name for queue in template.queues}
        return (
            queues
            | set(template.topics)
            | {item.name for item in template.functions}
            | {role.name for role in template.roles}
        )

    assert not names(staging) & names(prod)


def test_staging_and_production_keep_the_accounts_limit_together() -> None:
    """In any second, all functions of both make at most ten calls of an operation."""
    settings = [
        Settings.read({**function.variables, "FC_REGION": "cn-shanghai"})
        for name in ("staging.yml", "prod.yml")
        for function in loaded(name).functions
    ]
    assert sum(item.most_in_a_second for item in settings) <= ACCOUNT_LIMIT
    assert [warning for item in settings for warning in item.warnings()] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_vendors_tools_find_nothing_wrong(path: Path, tmp_path: Path) -> None:
    """What is extended is taken by the models and the schema as the whole file is."""
    for props in vendor.functions(vendor.preview(path, tmp_path)).values():
        assert vendor.api_problems(props) == []
        assert vendor.schema_problems(props) == []


def test_production_is_called_by_its_alias(tmp_path: Path) -> None:
    """What the alias names is turned back by one command; without an environment of its own nothing is."""
    rendered = vendor.preview(ROOT / "environments" / "prod.yml", tmp_path)
    triggers = [trigger for props in vendor.functions(rendered).values() for trigger in props["triggers"]]
    assert {trigger["qualifier"] for trigger in triggers} == {"live"}
