"""`ota-modules invoke`, against a whole local cloud."""

import json
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from cli.tour.local import local_cloud
from emulator.cloud import Options, Urls


@pytest.fixture(scope="module")
def urls() -> Iterator[Urls]:
    with local_cloud(Options(port=0)) as local:
        yield local.cloud.urls


@pytest.fixture
def invoke(urls: Urls, ota_modules: Any) -> Any:
    """`invoke(…)` runs the command against the local cloud."""
    _, iot, smq, fc = astuple(urls)
    environ = {"OTA_IOT_ENDPOINT": iot, "OTA_MNS_ENDPOINT": smq, "OTA_FC_ENDPOINT": fc}
    return lambda *arguments: ota_modules("invoke", *arguments, **environ)


def test_a_sample_is_invoked_by_its_name(invoke: Any) -> None:
    """The function's summary is shown."""
    ended = invoke("triggers/rocketmq.json", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["Result"]["created"] == 1


def test_the_end_of_the_log_is_shown_on_demand(invoke: Any) -> None:
    """With the platform's own lines."""
    assert "FC Invoke End" in invoke("triggers/kafka-object.json", "--log").err


def test_an_event_of_no_known_trigger_fails_with_what_was_seen(invoke: Any, tmp_path: Path) -> None:
    """Exit status 1, and the function's error."""
    path = tmp_path / "event.json"
    path.write_text('{"Records": []}', encoding="utf-8")
    ended = invoke(str(path))
    assert ended.status == 1
    assert "EnvelopeError" in ended.err


def test_a_sample_of_http_goes_over_http(invoke: Any, urls: Urls) -> None:
    """Signed, with its own method, path and headers."""
    ended = invoke("http/created.json", "--http", f"{urls.fc}/ota-modules-http", "--json")
    assert ended.status == 0, ended.err
    assert json.loads(ended.out)["status"] == 201


def test_the_address_may_name_the_path(invoke: Any, urls: Urls) -> None:
    """As `make run` prints it."""
    address = f"{urls.fc}/ota-modules-http/modules"
    assert json.loads(invoke("http/invalid.json", "--http", address, "--json").out.splitlines()[0])["status"] == 422
    assert json.loads(invoke("http/healthz.json", "--http", address, "--json").out)["status"] == 200


def test_a_sample_of_http_needs_an_address(invoke: Any) -> None:
    """To the function it would be an event of a kind that nobody knows."""
    ended = invoke("http/created.json")
    assert ended.status == 2
    assert "--http" in ended.err


def test_nothing_signed_by_the_local_clouds_key_leaves_this_machine(invoke: Any) -> None:
    """The account's keys are missing: that is said, and nothing is sent."""
    ended = invoke("http/created.json", "--http", "https://abc.cn-shanghai.fcapp.run")
    assert ended.status == 2
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in ended.err


def test_requests_that_do_not_end_as_wished_are_told_by_the_exit_status(invoke: Any) -> None:
    """Though the invocation itself succeeded."""
    ended = invoke("requests/invalid-everywhere.json", "--json")
    result, error = map(json.loads, ended.out.splitlines())
    assert result["Result"]["rejected"] == 1
    assert error == {"Error": "1 rejected", "ExitStatus": 3}
    assert ended.status == 3
    assert "1 rejected" in ended.err


def test_an_answer_that_is_no_success_fails(invoke: Any, urls: Urls) -> None:
    """It is shown all the same."""
    ended = invoke("http/invalid.json", "--http", f"{urls.fc}/ota-modules-http")
    assert ended.status == 3
    assert ended.out.startswith("422 application/problem+json")


def test_a_bare_request_is_posted(invoke: Any, urls: Urls) -> None:
    """To /modules, which need not be written."""
    ended = invoke("requests/documentation.json", "--http", f"{urls.fc}/ota-modules-http")
    assert ended.out.startswith("201 ")


def test_a_function_that_is_not_there_is_told(invoke: Any) -> None:
    """Exit status 1."""
    assert invoke("triggers/rocketmq.json", "--function", "nothing").status == 1


def test_an_event_that_is_no_file_is_a_usage_error(invoke: Any) -> None:
    """Exit status 2."""
    assert invoke("triggers/nothing.json").status == 2
