"""Codes: one kind of answer told from another."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.codes import names_place, understood
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, Refused, Throttled, Transient, Unanswered
from handler.http1 import Answer


def reply(status: int = 200, headers: Mapping[str, str] | None = None, **body: object) -> Answer:
    return Answer(status, headers or {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(400, Code="Throttling.User", Message="slow"), Throttled),
        (reply(200, Success=False, Code="Throttling"), Throttled),
        (reply(429), Throttled),
        (reply(400, {"x-acs-retry-after": "150"}, Code="Whatever"), Throttled),
        (reply(200, Success=False, Code="iot.messagebroker.RateLimit"), Throttled),
        (reply(200, Success=False, Code="iot.system.SystemException"), Transient),
        (reply(200, Success=False, Code="SystemException"), Transient),
        (reply(503, Code="ServiceUnavailable"), Transient),
        (reply(500, Code="InternalError"), Transient),
        (Answer(500, {}, b"<html>oops</html>"), Transient),
        (Answer(502, {}, b"<html>Bad Gateway</html>"), Unanswered),
        (Answer(504, {}, b""), Unanswered),
        (Answer(200, {}, b""), Unanswered),
        (Answer(200, {}, b"<html>welcome</html>"), Unanswered),
        (Answer(200, {}, b"[" * 100_000), Unanswered),
        (Answer(200, {}, b'{"RequestId": "r"}'), Unanswered),
        (Answer(200, {}, b"\xff\xfe"), Unanswered),
        (reply(400, Code="SignatureNonceUsed"), Unanswered),
        (reply(200, Success=False, Code="iot.ota.ModuleAlreadyExisted", ErrorMessage="there"), Refused),
        (reply(200, Success=False, Code=""), Refused),
        (reply(200, success=False, code="lower"), Refused),
        (reply(200, Success="false", Code="text"), Refused),
        (reply(400, Code="InvalidParameter", Message="bad"), Refused),
        (reply(400, Code="MissingProductKey"), Refused),
        (reply(404, Code="InvalidApi.NotFound"), Misconfigured),
        (reply(404, Code="InvalidAction.NotFound"), Misconfigured),
        (reply(403, Code="Forbidden.RAM"), Misconfigured),
        (reply(200, Success=False, Code="iot.common.RamActionPermissionDeny"), Misconfigured),
        (reply(200, Success=False, Code="iot.system.billIsOverdue"), Misconfigured),
        (reply(200, Success=False, Code="iot.system.InstanceNotFound"), Misconfigured),
        (reply(400, Code="SignatureDoesNotMatch", Message="…server string to sign is:POST&…"), Misconfigured),
        (reply(400, Code="InvalidTimeStamp.Expired"), Misconfigured),
        (reply(404, Code="InvalidAccessKeyId.NotFound"), Misconfigured),
        (Answer(403, {}, b"denied"), Misconfigured),
    ],
)  # fmt: skip
def test_answers_are_told_apart(answer: Answer, kind: type[CallError]) -> None:
    with pytest.raises(CallError) as caught:
        understood(answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize("answer", [reply(Success=True), reply(success=True), reply(SUCCESS="true", Code="")])
def test_success_decides_however_it_is_spelt(answer: Answer) -> None:
    """Compatible platforms answer in camelCase, siblings with an empty Code."""
    assert understood(answer)["success"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("150", 0.15), ("0", 0), ("", 0), ("-5", 0), ("soon", 0), ("1e3", 0), ("9" * 30, 999_999_999.999)],
)
def test_the_wait_that_a_throttle_names_is_read_in_milliseconds(header: str, seconds: float) -> None:
    with pytest.raises(Throttled) as caught:
        understood(reply(429, {"x-acs-retry-after": header}))
    assert caught.value.retry_after == seconds


def test_the_answers_code_text_and_request_id_are_kept_as_they_came() -> None:
    with pytest.raises(Refused) as caught:
        understood(reply(Success=False, Code="iot.x.Y", ErrorMessage="no", RequestId="R1"))
    assert (caught.value.code, caught.value.text, caught.value.request_id) == ("iot.x.Y", "no", "R1")


@given(st.binary(), st.integers(100, 599))
def test_any_answer_is_of_some_kind(body: bytes, status: int) -> None:
    with pytest.raises(CallError):
        understood(Answer(status, {}, body))


def test_the_text_of_an_error_holds_no_secret() -> None:
    """The real API repeats the string that was signed, token and all."""
    keys = Credentials("testid", "hidden+secret", "hidden/token==")
    text = (
        "x hidden+secret; Specified signature does not match, "
        "server string to sign is:POST&%2F&SecurityToken%3Dhidden%252Ftoken"
    )
    with pytest.raises(Misconfigured) as caught:
        understood(reply(400, Code="SignatureDoesNotMatch", Message=text), keys.secrets)
    assert "hidden" not in str(caught.value)
    assert "does not match" in caught.value.text
    with pytest.raises(Refused) as refused:
        understood(
            reply(Success=False, Code="x", ErrorMessage="hidden%252Ftoken%253D%253D hidden%2Ftoken%3D%3D"), keys.secrets
        )
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "code", ["iot.ota.CreateFailed", "iot.x.QueryActionError", "ParameterException", "TIMEOUT", "iot.ServerBusy"]
)
@pytest.mark.parametrize("spelt", [str, str.upper, str.lower])
def test_families_of_codes_for_failures_of_the_server_are_transient(code: str, spelt: type[str]) -> None:
    for status in (200, 400, 500):
        with pytest.raises(Transient):
            understood(reply(status, Success=False, Code=spelt(code)))


@pytest.mark.parametrize(
    "code", ["iot.Sre.IotInstanceAccessForbidden", "iot.sre.Whatever", "iot.system.AccessForbidden"]
)
def test_what_the_account_may_not_use_is_the_deployments_fault(code: str) -> None:
    """No page lists all of these codes."""
    with pytest.raises(Misconfigured):
        understood(reply(Success=False, Code=code))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("iot.prod.NotExistedProduct", True), ("iot.prod.NullProductKey", True), ("iot.system.InstanceNotFound", True),
        ("iot.Sre.IotInstanceNotFound", True), ("iot.common.QueryProductError", False), ("iot.common.QueryError", False),
        ("", False), ("iot.system.IllegalRequest", False),
    ],
)  # fmt: skip
def test_only_codes_of_product_or_instance_say_that_there_is_none(code: str, expected: bool) -> None:
    assert names_place(Refused(code)) is expected
