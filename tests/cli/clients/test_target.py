"""Which cloud a command talks to."""

from collections.abc import Mapping

import pytest

from cli.clients.target import read
from cli.errors import UsageError

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkey", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}
LOCAL_KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "testid", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}
ACCOUNT = {**KEYS, "ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456", "ALIBABA_CLOUD_SECURITY_TOKEN": "testtoken"}
SMQ = "https://1234567890123456.mns.cn-shanghai.aliyuncs.com"


@pytest.mark.parametrize(
    ("environ", "smq_url", "iot_url"),
    [
        ({}, "http://127.0.0.1:9702", "http://127.0.0.1:9701"),
        ({"OTA_LOCAL_PORT": "9800"}, "http://127.0.0.1:9802", "http://127.0.0.1:9801"),
        ({**LOCAL_KEYS, "OTA_MNS_ENDPOINT": "http://localhost:1/"}, "http://localhost:1", "http://127.0.0.1:9701"),
        (ACCOUNT, SMQ, "https://iot.cn-shanghai.aliyuncs.com"),
        ({**ACCOUNT, "OTA_REGION": "x"}, SMQ.replace("cn-shanghai", "x"), "https://iot.x.aliyuncs.com"),
        ({**KEYS, "OTA_MNS_ENDPOINT": f"{SMQ}/"}, SMQ, "https://iot.cn-shanghai.aliyuncs.com"),
    ],
)
def test_endpoints_follow_from_the_environment(environ: Mapping[str, str], smq_url: str, iot_url: str) -> None:
    """The local cloud's from its port; an account's from its number, which its own endpoint begins with, and the region."""
    target = read(environ)
    assert (target.smq_url, target.iot_url) == (smq_url, iot_url)
    assert target.local is bool(target.console_url) is ("127" in iot_url)
    assert target.local or target.account == ACCOUNT["ALIBABA_CLOUD_ACCOUNT_ID"]


def test_local_overrules_the_environment() -> None:
    """So that nothing can slip into an account by mistake."""
    assert read({**KEYS, "OTA_MNS_ENDPOINT": SMQ}, local=True).smq_url == "http://127.0.0.1:9702"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkey"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (KEYS, "ALIBABA_CLOUD_ACCOUNT_ID"),
        ({**KEYS, "OTA_MNS_ENDPOINT": "https://10.0.0.1"}, "ALIBABA_CLOUD_ACCOUNT_ID"),
        ({"OTA_MNS_ENDPOINT": SMQ}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ({**ACCOUNT, "OTA_MNS_ENDPOINT": SMQ.replace("https", "http")}, "https"),
        ({"OTA_LOCAL_PORT": "x"}, "OTA_LOCAL_PORT"),
    ],
)
def test_half_a_configuration_is_refused_by_name(environ: Mapping[str, str], words: str) -> None:
    """Before anything is sent anywhere."""
    with pytest.raises(UsageError, match=words):
        read(environ)


def test_no_secret_is_shown() -> None:
    """Neither by what is printed nor by repr."""
    target = read(ACCOUNT)
    assert "testsecret" not in f"{target}{target!r}"
    assert "testtoken" not in f"{target}{target!r}"
