"""What template.yml calls things."""

from pathlib import Path

import pytest

from cli.clients.names import TEMPLATE, Names
from cli.clients.target import read
from cli.errors import UsageError

RENAMED = """
vars:
  region: cn-beijing
  name: fleet
  request_queue: wanted
  dead_letter_queue: lost
  result_topic: told
  outcome_queue: heard
  http_instances: 2
"""


def test_the_names_are_those_of_the_template(tmp_path: Path) -> None:
    """Whatever its first lines were changed to."""
    template = tmp_path / "template.yml"
    template.write_text(RENAMED, encoding="utf-8")
    names = Names({}, template)
    assert (names.region, names.request_queue, names.dead_letter_queue) == ("cn-beijing", "wanted", "lost")
    assert (names.result_topic, names.outcome_queue) == ("told", "heard")
    assert (names.queue_function, names.http_function) == ("fleet-queue", "fleet-http")


def test_a_name_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Serverless Devs and the local cloud understand it; one that nobody says is told by its name."""
    template = tmp_path / "template.yml"
    template.write_text(
        RENAMED.replace("wanted", "${env('STAGE', 'dev')}-wanted").replace("lost", "${env('NOBODY')}"), encoding="utf-8"
    )
    monkeypatch.setenv("STAGE", "live")
    assert Names({"OTA_DEAD_LETTER_QUEUE": "dead"}, template).request_queue == "live-wanted"
    with pytest.raises(UsageError, match="dead_letter_queue: the environment has no NOBODY"):
        _ = Names({}, template).dead_letter_queue


def test_the_functions_settings_overrule_the_template() -> None:
    """For an account that has others."""
    names = Names({"OTA_REQUEST_QUEUE": "another", "ALIBABA_CLOUD_REGION_ID": "ap-southeast-1"})
    assert (names.request_queue, names.region) == ("another", "ap-southeast-1")


def test_a_template_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """Its first lines are what people edit; a slip there is told with its line, and never ends in a traceback."""
    with pytest.raises(UsageError, match="No such file"):
        _ = Names({}, tmp_path / "template.yml").region
    (tmp_path / "template.yml").write_text("vars:\n\tregion: cn-beijing\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"template\.yml:2: is not YAML"):
        _ = Names({}, tmp_path / "template.yml").region


def test_what_the_environment_names_needs_no_template(tmp_path: Path) -> None:
    """Nor does a command that asks for no name."""
    nowhere = tmp_path / "template.yml"
    assert Names({"OTA_REQUEST_QUEUE": "mine"}, nowhere).request_queue == "mine"
    assert read({"OTA_TEMPLATE": str(nowhere), "OTA_LOCAL_PORT": "9800"}).console_url == "http://127.0.0.1:9800"


def test_another_environment_is_named_by_its_file() -> None:
    """What a file extends is put under it."""
    names = Names({"OTA_TEMPLATE": str(TEMPLATE.parent / "environments" / "staging.yml")})
    assert (names.request_queue, names.queue_function) == ("ota-module-requests-staging", "ota-modules-staging-queue")
