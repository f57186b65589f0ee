"""Which cloud is chosen, and with whose keys."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.clients import http
from cli.clients.choosing import choose, is_silent
from cli.errors import CloudError, UsageError

ENVIRON = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAIenviron", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}
LOCAL = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "testid", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}
ACCOUNT = {**ENVIRON, "ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456", "ALIBABA_CLOUD_SECURITY_TOKEN": "testtoken"}
SMQ = "https://1234567890123456.mns.cn-shanghai.aliyuncs.com"
PROFILES = [
    {"name": "default", "mode": "AK", "access_key_id": "LTAIdefault", "access_key_secret": "s"},
    {"name": "sts", "mode": "StsToken", "access_key_id": "STS.1", "access_key_secret": "s", "sts_token": "t"},
    {"name": "empty", "mode": "AK"},
    {"name": "odd", "mode": "NoSuchMode"},
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"current": "default", "profiles": PROFILES}), encoding="utf-8")
    return path


def owner(url: str, *_: object) -> http.Answer:
    assert "sts." in url
    return http.Answer(200, {}, b'{"AccountId": "42"}')


def nobody(*_: object) -> http.Answer:
    raise CloudError("nobody answers")


@pytest.mark.parametrize(
    ("environ", "options", "key"),
    [
        ({}, {}, "testid"),  # whoever has a profile and no keys stays on the local cloud
        (ENVIRON, {}, "LTAIenviron"),
        (ENVIRON, {"profile": "sts"}, "STS.1"),
        ({"ALIBABA_CLOUD_PROFILE": "sts"}, {}, "STS.1"),
        ({**ENVIRON, "ALIBABA_CLOUD_PROFILE": "sts"}, {}, "LTAIenviron"),
        ({"OTA_TARGET": "account"}, {}, "LTAIdefault"),
        (ENVIRON, {"profile": "sts", "local": True}, "testid"),
        ({**ENVIRON, "OTA_TARGET": "local"}, {}, "testid"),
        ({**ACCOUNT, "OTA_MNS_ENDPOINT": SMQ}, {"local": True}, "testid"),
    ],
)
def test_keys_are_chosen(config: Path, environ: Mapping[str, str], options: dict[str, Any], key: str) -> None:
    """The command line comes before the environment, and local before all; STS is asked for the account."""
    target = choose(environ, config=config, send=owner, **options)
    assert target.keys.access_key_id == key
    assert target.local or target.account == "42"
    assert not target.local or target.smq_url == "http://127.0.0.1:9702"
    assert all(secret not in f"{target}{target!r}" for secret in ("testsecret", "testtoken"))


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"OTA_TARGET": "cloud"}, "local or account"),
        ({"OTA_TARGET": "account", **LOCAL}, "the local cloud's"),
        ({"ALIBABA_CLOUD_PROFILE": "none"}, r"profile none of .*config\.json gives no keys"),
        ({"ALIBABA_CLOUD_PROFILE": "empty"}, "aliyun configure --profile empty"),
        ({"ALIBABA_CLOUD_PROFILE": "odd"}, "profile odd .* gives no keys"),
        (ENVIRON, "ALIBABA_CLOUD_ACCOUNT_ID is not set, .* nobody answers"),
        ({**ENVIRON, "OTA_MNS_ENDPOINT": "https://10.0.0.1"}, "ALIBABA_CLOUD_ACCOUNT_ID"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkey"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ({"OTA_MNS_ENDPOINT": SMQ}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ({**ACCOUNT, "OTA_MNS_ENDPOINT": SMQ.replace("https", "http")}, "https"),
        ({"OTA_LOCAL_PORT": "x"}, "OTA_LOCAL_PORT"),
    ],
)
def test_what_cannot_be_chosen_is_refused(config: Path, environ: Mapping[str, str], words: str) -> None:
    """With what to do, or what there is. Where the account is said, nobody is asked."""
    with pytest.raises(UsageError, match=words):
        choose(environ, config=config, send=nobody)
    assert choose({**ENVIRON, "ALIBABA_CLOUD_ACCOUNT_ID": "7"}, config=config, send=nobody).account == "7"


@pytest.mark.parametrize(
    ("environ", "smq_url", "iot_url"),
    [
        ({}, "http://127.0.0.1:9702", "http://127.0.0.1:9701"),
        ({"OTA_LOCAL_PORT": "9800"}, "http://127.0.0.1:9802", "http://127.0.0.1:9801"),
        ({**LOCAL, "OTA_MNS_ENDPOINT": "http://localhost:1/"}, "http://localhost:1", "http://127.0.0.1:9701"),
        (ACCOUNT, SMQ, "https://iot.cn-shanghai.aliyuncs.com"),
        ({**ACCOUNT, "OTA_REGION": "x"}, SMQ.replace("cn-shanghai", "x"), "https://iot.x.aliyuncs.com"),
        ({**ENVIRON, "OTA_MNS_ENDPOINT": f"{SMQ}/"}, SMQ, "https://iot.cn-shanghai.aliyuncs.com"),
    ],
)
def test_endpoints_follow_from_the_environment(environ: Mapping[str, str], smq_url: str, iot_url: str) -> None:
    """The local cloud's from its port; an account's from its number, which its own endpoint begins with, and the region."""
    target = choose(environ)
    assert (target.smq_url, target.iot_url) == (smq_url, iot_url)
    assert target.local is bool(target.console_url) is ("127" in iot_url)
    assert target.local or target.account == ACCOUNT["ALIBABA_CLOUD_ACCOUNT_ID"]


def test_a_script_without_keys_sends_nowhere(ota_modules: Any, manifest_of: Any) -> None:
    """Unless something in the environment, or an option, says that the local cloud is meant."""
    cases: tuple[dict[str, str], ...] = ({}, {"OTA_TARGET": "local"}, {"OTA_LOCAL_PORT": "9800"})
    assert [is_silent(environ, choose(environ), local=False) for environ in cases] == [True, False, False]
    path = manifest_of("mcu")
    ended = ota_modules("send", path)
    assert (ended.status, "OTA_TARGET=local" in ended.err) == (2, True)
    # Nobody listens there: it fails, later.
    assert ota_modules("send", path, "--local", OTA_LOCAL_PORT="9").status == 1
