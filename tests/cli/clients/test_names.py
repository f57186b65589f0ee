"""What template.yml calls things."""

from pathlib import Path

import pytest

from cli.clients.names import TEMPLATE, read
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
    names = read({}, template)
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
    assert read({"OTA_DEAD_LETTER_QUEUE": "dead"}, template).request_queue == "live-wanted"
    with pytest.raises(UsageError, match="dead_letter_queue: the environment has no NOBODY"):
        read({}, template)


def test_the_functions_settings_overrule_the_template() -> None:
    """For an account that has others."""
    names = read({"OTA_REQUEST_QUEUE": "another", "ALIBABA_CLOUD_REGION_ID": "ap-southeast-1"})
    assert (names.request_queue, names.region) == ("another", "ap-southeast-1")


def test_a_template_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """Its first lines are what people edit; a slip there is told with its line, and never ends in a traceback."""
    with pytest.raises(UsageError, match="No such file"):
        read({}, tmp_path / "template.yml")
    (tmp_path / "template.yml").write_text("vars:\n\tregion: cn-beijing\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"template\.yml:2: is not YAML"):
        read({}, tmp_path / "template.yml")


def test_another_environment_is_named_by_its_file() -> None:
    """What a file extends is put under it."""
    names = read({"OTA_TEMPLATE": str(TEMPLATE.parent / "environments" / "staging.yml")})
    assert (names.request_queue, names.queue_function) == ("ota-module-requests-staging", "ota-modules-staging-queue")
