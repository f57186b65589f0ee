"""Settings: read from the environment, refused by name."""

from ipaddress import IPv4Address, IPv6Address
from typing import get_type_hints
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from handler import messages
from handler.errors import SettingError
from handler.messages import Invalid
from handler.settings import Settings, is_loopback

NEEDED = {"OTA_REGION": "cn-shanghai", "OTA_MNS_ENDPOINT": "https://mns.example.com", "OTA_RESULT_TOPIC": "results"}


def read(**values: str) -> Settings:
    return Settings.read({**NEEDED, **values})


@pytest.mark.parametrize(
    ("values", "setting", "expected"),
    [
        # The host is computed from the region, never looked up in an SDK's table.
        ({}, "OTA_IOT_ENDPOINT", "https://iot.cn-shanghai.aliyuncs.com"),
        ({"OTA_REGION": "", "FC_REGION": "eu-1"}, "OTA_IOT_ENDPOINT", "https://iot.eu-1.aliyuncs.com"),
        ({}, "iot_host_setting", "OTA_REGION"),
        ({"OTA_IOT_ENDPOINT": "https://iot.example.com"}, "iot_host_setting", "OTA_IOT_ENDPOINT"),
        ({"OTA_LOG_LEVEL": "Info"}, "OTA_LOG_LEVEL", "INFO"),
        ({}, "rate", 9),
        # Ten a second are eleven in a second that begins with one.
        ({"OTA_QPS": "10"}, "rate", pytest.approx(9.85)),
        ({"OTA_HTTP_PREFIX": "/ota/"}, "OTA_HTTP_PREFIX", "/ota"),
        ({"OTA_QUOTA_HOST": "h.example", "OTA_QUOTA_PORT": "6380"}, "store", "redis://h.example:6380"),
        ({"OTA_QUOTA_HOST": "::1", "OTA_QUOTA_USER": "ota"}, "store", "redis://ota:@[::1]:6379"),
        *(
            ({"OTA_IOT_ENDPOINT": f"http://{host}"}, "OTA_IOT_ENDPOINT", f"http://{host}")
            for host in ("127.0.0.1:9701", "localhost:9701", "[::1]:9701", "127.8.8.8")
        ),
    ],
)
def test_what_is_set_means_this(values: dict[str, str], setting: str, expected: object) -> None:
    assert getattr(read(**values), setting) == expected


REFUSED = {
    "OTA_QPS": ("0", "-0.0", "nan", "inf", "nine", "1e-320"), "OTA_QUOTA_INSTANCES": ("0", "1.5", "1000000000"),
    "OTA_MAX_ATTEMPTS": ("0",), "OTA_MAX_AGE": ("0",), "OTA_ON_EXISTING": ("replace",), "OTA_LOG_LEVEL": ("LOUD",),
    "OTA_CONNECT_TIMEOUT": ("1e-320",), "OTA_READ_TIMEOUT": ("-1", "1e-320"), "OTA_DEADLINE_MARGIN": ("0",),
    "OTA_RESULT_TOPIC": ("no spaces",), "OTA_REGION": ("cn shanghai",), "OTA_HTTP_PREFIX": ("ota", "/", "/a//b"),
    "OTA_IOT_INSTANCE_ID": ("iot 1", "实例"), "OTA_QUOTA_HOST": ("a" * 64, "h,h2", "h:6379", "redis://h"),
    "OTA_IOT_ENDPOINT": (
        "iot.example.com", "http://iot.example.com", "https://user:word@iot.example.com", "https://h:99999",
        "https://h,h2", "https://h#fragment", "https://-h", f"https://{'a' * 64}.com",
    ),
    "OTA_MNS_ENDPOINT": (
        "https://mns.example.com/path", "https://user:hunter2@mns.example.com", "https://h:port", "https://iot..com",
        "https://a b.com", "https://h:0",
    ),
    "OTA_TRACE_URL": (
        "https://h", "http://h/v1/traces", "https://h/v1/traces?token=x", "http://collector/hunter2/api/otlp/traces",
    ),
    "OTA_QUOTA_URL": (
        "memcached://x", "redis://h:port", "redis://h,h2", "redis://h h2", "redis://h:0", "redis://", "redis:///0",
        "redis://:12/hunter2@h", "redis://:12?hunter2@h", "redis://user:12#hunter2@h", "redis://user:12/hunter2@h",
        "redis://user:12?hunter2@h", "redis://h/hunter2", "redis://user:12?db=1&hunter2@h", "redis://u:p@x/hunter2@h:6379/0",
        "redis://:hunter2%zz@h", "redis://:hunter2%", "redis://:hunter2\t@h", "redis://:hunter2\u2100@store",
        "redis://:[hunter2]@store", "rediss://h?hunter2=1", "redis://h?ssl_cert_reqs=none", "redis://h?socket_timeout=30",
        "rediss://h?ssl_ca_certs=hunter2@h", "unix://:hunter2#@/s", "http://:hunter2@store",
    ),
}  # fmt: skip


SPACED = {
    "OTA_IOT_INSTANCE_ID": "iot-06z00cq1abcd", "OTA_QPS": "5", "OTA_QUOTA_URL": "redis://:hunter2@h", "OTA_REQUEST_QUEUE": "",
    "OTA_QUOTA_PASSWORD": "hunter2", "OTA_ON_EXISTING": "fail", "OTA_LOG_LEVEL": "DEBUG", "OTA_MNS_ENDPOINT": "https://h",
}  # fmt: skip
"""Values that are right but for the white space around them: files and secret stores leave a line end there."""


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        *(({name: value}, name, "") for name, values in REFUSED.items() for value in values),
        *(({name: ""}, name, "is required") for name in NEEDED),
        *(
            ({name: around.format(value)}, name, "white space")
            for name, value in SPACED.items()
            for around in (" {}", "{} ", "{}\n", "\t{}\r\n", "\u3000{}")
        ),
        ({"OTA_QUOTA_URL": "redis://:2024#hunter2@h:6379/0"}, "OTA_QUOTA_URL", "percent-encode the password"),
        ({"OTA_QUOTA_URL": "redis://h", "OTA_QUOTA_HOST": "h"}, "OTA_QUOTA_URL", "both set"),
        ({"OTA_QUOTA_URL": "redis://h", "OTA_QUOTA_PASSWORD": "hunter2"}, "OTA_QUOTA_URL", "both set"),
        ({"OTA_QUOTA_PASSWORD": "hunter2"}, "OTA_QUOTA_HOST", "is required"),
        ({"OTA_QUOTA_TLS": "true"}, "OTA_QUOTA_HOST", "is required"),
        # One queue for both would deliver dead letters as requests, for ever.
        ({"OTA_REQUEST_QUEUE": "q", "OTA_DEAD_LETTER_QUEUE": "q"}, "OTA_DEAD_LETTER_QUEUE", "not be OTA_REQUEST_QUEUE"),
    ],
)
def test_what_is_refused_is_named_and_no_password_is_repeated(values: dict[str, str], name: str, words: str) -> None:
    """A character that is not escaped ends its part of an address: what is left may look like a host."""
    with pytest.raises(SettingError) as caught:
        read(**values)
    assert (caught.value.name, words in str(caught.value)) == (name, True)
    assert "hunter2" not in str(caught.value)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=12))
@example("2024#/?@%:[]")
def test_a_raw_password_is_understood_or_refused(password: str) -> None:
    try:
        settings = read(OTA_QUOTA_URL=f"redis://:{password}@store.example.com:6379/0")
    except SettingError as error:
        assert len(password) < 4 or password not in str(error)  # a short one may be in any sentence
    else:
        assert urlsplit(settings.store or "").hostname == "store.example.com"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12), st.booleans())
def test_a_password_given_as_a_part_is_taken_as_it_is(password: str, tls: bool) -> None:
    assume(password == password.strip())
    settings = read(OTA_QUOTA_HOST="store.example.com", OTA_QUOTA_PASSWORD=password, OTA_QUOTA_TLS=str(tls))
    parts = urlsplit(settings.store or "")
    assert unquote(parts.password or "") == password
    assert (parts.scheme, parts.hostname, parts.port) == ("rediss" if tls else "redis", "store.example.com", 6379)


@given(st.text(max_size=130))
@example("iot-cn-abc\x7f")
@example("a" * 129)
def test_the_default_instance_keeps_the_rules_of_a_requests_own(value: str) -> None:
    try:
        taken = read(OTA_IOT_INSTANCE_ID=value).OTA_IOT_INSTANCE_ID
    except SettingError:
        taken = ""
    requested = messages.read({"ProductKey": "a1", "ModuleName": "mcu", "IotInstanceId": value or None}, "id")[0]
    assert (taken == "") == isinstance(requested, Invalid)


def test_settings_that_are_shown_hold_no_password() -> None:
    assert "hunter2" not in repr(read(OTA_QUOTA_URL="redis://:hunter2@store"))


@given(st.floats(0.1, 10), st.integers(1, 10))
def test_instances_that_know_nothing_of_each_other_keep_the_limit_together(qps: float, instances: int) -> None:
    """Each makes 1 + floor(its share) calls in some second, whatever the others do; none takes less than it has to."""
    settings = read(OTA_QPS=str(qps), OTA_QUOTA_INSTANCES=str(instances))
    assert settings.most_in_a_second <= 10
    assert settings.share == pytest.approx(qps / instances) or instances * (1 + int(qps / instances)) > 10
    assert settings.share * 1.016 > min(qps / instances, 10 // instances)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"OTA_QPS": "9", "OTA_QUOTA_INSTANCES": "3"}, ""),
        ({"OTA_QPS": "10"}, ""),
        ({"OTA_QPS": "8", "OTA_QUOTA_INSTANCES": "4"}, ""),
        ({"OTA_QPS": "9", "OTA_QUOTA_INSTANCES": "4"}, "7.88 together"),
        ({"OTA_QPS": "9", "OTA_QUOTA_INSTANCES": "11"}, "11 calls"),
        ({"OTA_QPS": "20"}, "21 calls"),
        ({"OTA_QUOTA_URL": "redis://store"}, "OTA_QUOTA_INSTANCES: 1"),
        ({"OTA_QUOTA_URL": "redis://store", "OTA_QUOTA_INSTANCES": "4"}, ""),
    ],
)
def test_what_instances_cannot_keep_or_use_is_warned_about(values: dict[str, str], words: str) -> None:
    """More than the limit in some second, less than 97 % of the share, or all of it for each while the store is down."""
    warnings = read(OTA_REQUEST_QUEUE="requests", **values).warnings()
    assert [words in warning for warning in warnings] == [True] * bool(words)


@given(st.dictionaries(st.sampled_from(sorted(get_type_hints(Settings))), st.text(max_size=20)))
def test_any_environment_is_read_or_refused_by_name(environ: dict[str, str]) -> None:
    try:
        Settings.read({**NEEDED, **environ})
    except SettingError as error:
        assert error.name.startswith("OTA_")


MAPPED = 0xFFFF << 32


@given(st.ip_addresses() | st.integers(MAPPED, MAPPED + 2**32 - 1).map(IPv6Address))
@example(IPv6Address("::ffff:127.0.0.1"))
@example(IPv6Address("::ffff:7f"))
def test_only_this_machine_is_loopback(address: IPv4Address | IPv6Address) -> None:
    """127.0.0.0/8, also in IPv6's form, and ::1 are, nothing else is; on every Python."""
    number = int(address)
    ours = 127 if address.version == 4 else (MAPPED >> 24) + 127
    assert is_loopback(str(address)) == (number >> 24 == ours or (address.version == 6 and number == 1))
