"""What template.yml calls things."""

from pathlib import Path

import pytest

from cli.clients.names import TEMPLATE, Names
from cli.errors import UsageError

RENAMED = """
vars:
  region: cn-beijing
  name: fleet
  request_queue: "${env('STAGE', 'dev')}-wanted"
  dead_letter_queue: "${env('NOBODY')}"
"""


def test_the_environment_s_names_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the template are read as Serverless Devs reads them; what cannot be read is told by its name."""
    template = tmp_path / "template.yml"
    template.write_text(RENAMED, encoding="utf-8")
    monkeypatch.setenv("STAGE", "live")
    names = Names({}, template)
    assert (names.region, names.request_queue, names.http_function) == ("cn-beijing", "live-wanted", "fleet-http")
    with pytest.raises(UsageError, match="dead_letter_queue: the environment has no NOBODY"):
        _ = names.dead_letter_queue
    names = Names({"OTA_DEAD_LETTER_QUEUE": "dead", "ALIBABA_CLOUD_REGION_ID": "ap-southeast-1"}, template)
    assert (names.dead_letter_queue, names.region) == ("dead", "ap-southeast-1")
    with pytest.raises(UsageError, match="No such file"):
        _ = Names({}, tmp_path / "none.yml").region


def test_another_environment_is_named_by_its_file() -> None:
    """What a file extends is put under it."""
    names = Names({"OTA_TEMPLATE": str(TEMPLATE.parent / "environments" / "staging.yml")})
    assert (names.request_queue, names.queue_function) == ("ota-module-requests-staging", "ota-modules-staging-queue")


@pytest.mark.parametrize("name", ["a b", "队列", "q/x", "q\n"])
def test_a_name_that_cannot_be_is_refused_with_its_setting(name: str) -> None:
    """Instead of a call that nobody answers."""
    with pytest.raises(UsageError, match="OTA_REQUEST_QUEUE"):
        _ = Names({"OTA_REQUEST_QUEUE": name}).request_queue
