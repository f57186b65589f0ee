"""Which cloud is chosen, and with whose keys."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.clients import http
from cli.clients.choosing import choose, is_silent
from cli.clients.target import LOCAL_KEYS
from cli.errors import CloudError, UsageError

ENVIRON = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIenviron", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s"}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    profiles = [
        {"name": "default", "mode": "AK", "access_key_id": "LTAIdefault", "access_key_secret": "s"},
        {"name": "sts", "mode": "StsToken", "access_key_id": "STS.1", "access_key_secret": "s", "sts_token": "t"},
        {"name": "empty", "mode": "AK"},
        {"name": "odd", "mode": "NoSuchMode"},
    ]
    path.write_text(json.dumps({"current": "default", "profiles": profiles}), encoding="utf-8")
    return path


def owner(url: str, *_: object) -> http.Answer:
    assert "sts." in url
    return http.Answer(200, {}, b'{"AccountId": "42"}')


def nobody(*_: object) -> http.Answer:
    raise CloudError("nobody is to be asked")


def chosen(config: Path, environ: dict[str, str], **more: Any) -> str:
    return choose(environ, config=config, send=owner, **more).keys.id


def test_a_profile_alone_chooses_nothing(config: Path) -> None:
    """Whoever has one and no keys stays on the local cloud."""
    assert chosen(config, {}) == LOCAL_KEYS.id


def test_a_profile_that_is_named_gives_the_keys(config: Path) -> None:
    """On the command line before the environment's keys, in the environment after them."""
    assert chosen(config, ENVIRON, profile="sts") == "STS.1"
    assert chosen(config, {"ALIBABA_CLOUD_PROFILE": "sts"}) == "STS.1"
    assert chosen(config, {**ENVIRON, "ALIBABA_CLOUD_PROFILE": "sts"}) == "LTAIenviron"
    assert chosen(config, {"OTA_TARGET": "account"}) == "LTAIdefault"


def test_local_overrules_all_of_it(config: Path) -> None:
    """The option, or OTA_TARGET."""
    assert chosen(config, ENVIRON, profile="sts", local=True) == LOCAL_KEYS.id
    assert chosen(config, {**ENVIRON, "OTA_TARGET": "local"}) == LOCAL_KEYS.id


def test_the_account_is_asked_for_where_it_is_not_said(config: Path) -> None:
    """Of STS; where it is said, nobody is asked."""
    assert choose(ENVIRON, config=config, send=owner).account == "42"
    assert choose({**ENVIRON, "ALIBABA_CLOUD_ACCOUNT_ID": "7"}, config=config, send=nobody).account == "7"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"OTA_TARGET": "cloud"}, "local or account"),
        (
            {"OTA_TARGET": "account", "ALIBABA_CLOUD_ACCESS_KEY_ID": "testid", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "x"},
            "the local cloud's",
        ),
        ({"ALIBABA_CLOUD_PROFILE": "none"}, r"profile none of .*config\.json gives no keys"),
        ({"ALIBABA_CLOUD_PROFILE": "empty"}, "aliyun configure --profile empty"),
        ({"ALIBABA_CLOUD_PROFILE": "odd"}, "profile odd .* gives no keys"),
    ],
)
def test_what_cannot_be_chosen_is_refused(config: Path, environ: dict[str, str], words: str) -> None:
    """With what to do, or what there is."""
    with pytest.raises(UsageError, match=words):
        choose(environ, config=config, send=owner)


def test_what_cannot_be_asked_for_is_told(config: Path, tmp_path: Path) -> None:
    """A config that is not there by its path, the account with what to set."""
    with pytest.raises(UsageError, match=r"current profile of .*nothing\.json gives no keys"):
        choose({"OTA_TARGET": "account"}, config=tmp_path / "nothing.json")
    with pytest.raises(UsageError, match=r"ALIBABA_CLOUD_ACCOUNT_ID is not set, .* nobody is to be asked"):
        choose(ENVIRON, config=config, send=nobody)


@pytest.mark.parametrize(
    ("environ", "silent"), [({}, True), ({"OTA_TARGET": "local"}, False), ({"OTA_LOCAL_PORT": "9800"}, False)]
)
def test_the_local_cloud_may_be_chosen_without_a_word(environ: dict[str, str], silent: bool) -> None:
    """Only where nothing in the environment speaks of it."""
    assert is_silent(environ, choose(environ), local=False) is silent


def test_a_script_without_keys_sends_nowhere(ota_modules: Any, tmp_path: Path) -> None:
    """Unless it says that the local cloud is meant."""
    path = tmp_path / "one.jsonl"
    path.write_text('{"ProductKey": "a1Demo00001", "ModuleName": "mcu"}\n', encoding="utf-8")
    ended = ota_modules("send", str(path))
    assert ended.status == 2
    assert "OTA_TARGET=local" in ended.err
    # Nobody listens there: it fails, later.
    assert ota_modules("send", str(path), "--local", OTA_LOCAL_PORT="9").status == 1
