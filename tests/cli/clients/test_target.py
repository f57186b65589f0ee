"""Which cloud a command talks to."""

import pytest

from cli.clients.target import LOCAL_KEYS, read
from cli.errors import UsageError

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkey", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}


def test_without_keys_it_is_the_local_cloud() -> None:
    """On its usual ports, with its own keys."""
    target = read({})
    assert target.local
    assert (target.console_url, target.smq_url) == ("http://127.0.0.1:9700", "http://127.0.0.1:9702")
    assert target.keys == LOCAL_KEYS


def test_the_local_ports_can_be_moved() -> None:
    """All four together."""
    assert read({"OTA_LOCAL_PORT": "9800"}).fc_url == "http://127.0.0.1:9803"


def test_with_keys_it_is_the_account() -> None:
    """The endpoints follow from account and region."""
    target = read({**KEYS, "ALIBABA_CLOUD_ACCOUNT_ID": "1234567890123456", "OTA_REGION": "cn-beijing"})
    assert not target.local
    assert target.smq_url == "https://1234567890123456.mns.cn-beijing.aliyuncs.com"
    assert target.iot_url == "https://iot.cn-beijing.aliyuncs.com"
    assert target.console_url == ""


def test_the_account_may_follow_from_its_endpoint() -> None:
    """Its number is the first part of the name."""
    target = read({**KEYS, "OTA_MNS_ENDPOINT": "https://1234567890123456.mns.cn-shanghai.aliyuncs.com/"})
    assert target.account == "1234567890123456"


def test_the_local_clouds_own_key_means_the_local_cloud() -> None:
    """As README's consumer has it in the environment."""
    environ = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "testid", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}
    assert read({**environ, "OTA_MNS_ENDPOINT": "http://127.0.0.1:9702"}).local


def test_an_address_is_no_account() -> None:
    """Its first number is not the account's."""
    with pytest.raises(UsageError, match="ALIBABA_CLOUD_ACCOUNT_ID"):
        read({**KEYS, "OTA_MNS_ENDPOINT": "https://10.0.0.1"})


def test_local_overrules_the_environment() -> None:
    """So that nothing can slip into an account by mistake."""
    target = read({**KEYS, "OTA_MNS_ENDPOINT": "https://1.mns.cn-shanghai.aliyuncs.com"}, local=True)
    assert target.local
    assert target.smq_url == "http://127.0.0.1:9702"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAItestkey"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "testsecret"}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (KEYS, "ALIBABA_CLOUD_ACCOUNT_ID"),
        ({"OTA_MNS_ENDPOINT": "https://1.mns.cn-shanghai.aliyuncs.com"}, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (
            {**KEYS, "ALIBABA_CLOUD_ACCOUNT_ID": "1", "OTA_MNS_ENDPOINT": "http://1.mns.cn-shanghai.aliyuncs.com"},
            "https",
        ),
        ({"OTA_LOCAL_PORT": "x"}, "OTA_LOCAL_PORT"),
    ],
)
def test_half_a_configuration_is_refused_by_name(environ: dict[str, str], words: str) -> None:
    """Before anything is sent anywhere."""
    with pytest.raises(UsageError, match=words):
        read(environ)


def test_no_secret_is_shown() -> None:
    """Neither by what is said aloud nor by repr."""
    target = read({**KEYS, "ALIBABA_CLOUD_ACCOUNT_ID": "1", "ALIBABA_CLOUD_SECURITY_TOKEN": "testtoken"})
    assert "testsecret" not in f"{target}{target!r}"
    assert "testtoken" not in f"{target}{target!r}"
