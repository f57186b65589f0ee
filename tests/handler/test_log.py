"""Log: JSON lines without secrets."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.log import Log, mask
from handler.version import VERSION


def test_a_line_is_json_with_time_level_event_version_and_bound_fields() -> None:
    lines: list[str] = []
    log = Log(write=lines.append, now=lambda: 1_551_406_569.0125)
    log.bind(request_id="r1").info("summary", created=3, quota_wait_s=0.123456, absent=None)
    assert list(json.loads(lines[-1]).items()) == [
        ("time", "2019-03-01T02:16:09.012Z"), ("level", "INFO"), ("event", "summary"), ("version", VERSION),
        ("request_id", "r1"), ("created", 3), ("quota_wait_s", 0.1235),
    ]  # fmt: skip


def test_lines_below_the_level_are_not_written() -> None:
    lines: list[str] = []
    log = Log("WARNING", lines.append)
    log.info("no")
    log.warning("yes")
    assert [json.loads(line)["event"] for line in lines] == ["yes"]


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    lines: list[str] = []
    log = Log(write=lines.append).bind(secrets=("s3cr3t", ""))
    log.error("fault", text=ValueError("at s3cr3t!"), more={"a": "s3cr3t"})
    assert "s3cr3t" not in lines[-1]


@pytest.mark.parametrize(
    "text",
    [
        "GET /?Action=X&SignatureNonce=1&Signature=HIDE%3D&Format=JSON",
        "SecurityToken=HIDE&x=1",
        "{'security-token': 'HIDE', 'date': 'x'}",
        "Authorization: MNS testid:HIDE\n",
        "authorization: FC testid:HIDE",
        '"AccessKeySecret": "HIDE"',
        "x-acs-security-token:HIDE",
        "<ReceiptHandle>HIDE</ReceiptHandle>",
        '{"ProductSecret":"HIDE"}',
        "Authorization: Bearer HIDE",
        "Authorization: acs LTAItest:HIDE",
        "Authorization: HIDE",
        "authorization=bearer  HIDE",
        "{'Authorization': 'Basic HIDE=='}",
        "sent Bearer HIDE, and more",
        "redis://:HIDE@store:6379/0",
        "cannot reach rediss://user:pa:ss/HIDE@store",
        "https://user:HIDE@host/path",
        "password=HIDE",
    ],
)
def test_what_grants_access_is_masked_by_its_name(text: str) -> None:
    """Texts of the SDKs hold whole requests."""
    assert "HIDE" not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "ProductKey a1, ModuleName mcu: SignatureNonceUsed (request 7)",
        "https://iot.cn-shanghai.aliyuncs.com:443/?Action=CreateOTAModule",
        "redis://store:6379/0",
        "mail ota@example.com at 10:15",
        "NOPERM User ota has no permissions to run the 'evalsha' command",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert mask(text) == text


def test_an_output_that_is_no_utf8_gets_the_line_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was carried out must not fail at its own line."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    Log().info("request", id="条码 \U0001f600")
    assert json.loads(written.getvalue())["id"] == "条码 \U0001f600"


@given(st.text(), st.text(min_size=4))
def test_any_text_is_one_line_of_json_without_the_secret(text: str, secret: str) -> None:
    lines: list[str] = []
    Log(write=lines.append).bind(secrets=(secret,)).info("x", text=text + secret + text)
    assert "\n" not in lines[0]
    assert json.loads(lines[-1])["event"] == "x"
    lines[0].encode()
