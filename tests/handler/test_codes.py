"""Codes: which kind of answer each is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.codes import names_place, read_success
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, Refused, Throttled, Transient, Unanswered
from handler.http1 import Answer
from tests.support.fake_iot import answered

KINDS: dict[type[CallError], list[Answer]] = {
    Throttled: [
        answered(400, Code="Throttling.User", Message="slow"), answered(Success=False, Code="Throttling"), answered(429),
        answered(400, {"x-acs-retry-after": "150"}, Code="Whatever"),
        answered(Success=False, Code="iot.messagebroker.RateLimit"),
    ],
    Transient: [
        answered(Success=False, Code="iot.system.SystemException"), answered(Success=False, Code="SystemException"),
        answered(503, Code="ServiceUnavailable"), answered(500, Code="InternalError"), Answer(500, {}, b"<html>oops</html>"),
        *(
            answered(status, Success=False, Code=spelt(code))
            for code in ("iot.ota.CreateFailed", "iot.x.QueryActionError", "ParameterException", "TIMEOUT", "iot.ServerBusy")
            for spelt in (str, str.upper, str.lower)
            for status in (200, 400, 500)
        ),
    ],
    Unanswered: [
        Answer(502, {}, b"<html>Bad Gateway</html>"), Answer(504, {}, b""), Answer(200, {}, b""),
        Answer(200, {}, b"<html>welcome</html>"), Answer(200, {}, b"[" * 100_000),
        Answer(200, {}, b'{"RequestId": "r"}'), Answer(200, {}, b"\xff\xfe"), answered(400, Code="SignatureNonceUsed"),
    ],
    Refused: [
        answered(Success=False, Code="iot.ota.ModuleAlreadyExisted", ErrorMessage="there"), answered(Success=False, Code=""),
        answered(success=False, code="lower"), answered(Success="false", Code="text"),
        answered(400, Code="InvalidParameter", Message="bad"), answered(400, Code="MissingProductKey"),
    ],
    Misconfigured: [
        answered(404, Code="InvalidApi.NotFound"), answered(404, Code="InvalidAction.NotFound"),
        answered(403, Code="Forbidden.RAM"), answered(Success=False, Code="iot.common.RamActionPermissionDeny"),
        answered(Success=False, Code="iot.system.billIsOverdue"), answered(Success=False, Code="iot.system.InstanceNotFound"),
        answered(400, Code="SignatureDoesNotMatch", Message="…server string to sign is:POST&…"),
        answered(400, Code="InvalidTimeStamp.Expired"), answered(404, Code="InvalidAccessKeyId.NotFound"),
        Answer(403, {}, b"denied"),
        # No page lists all of the codes for what the account may not use.
        answered(Success=False, Code="iot.Sre.IotInstanceAccessForbidden"), answered(Success=False, Code="iot.sre.Whatever"),
        answered(Success=False, Code="iot.system.AccessForbidden"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "answer"), [(kind, answer) for kind, answers in KINDS.items() for answer in answers])
def test_answers_are_told_apart(kind: type[CallError], answer: Answer) -> None:
    with pytest.raises(CallError) as caught:
        read_success(answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize("answer", [answered(Success=True), answered(success=True), answered(SUCCESS="true", Code="")])
def test_success_decides_however_it_is_spelt(answer: Answer) -> None:
    """Compatible platforms answer in camelCase, siblings with an empty Code."""
    assert read_success(answer)["success"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("150", 0.15), ("0", 0), ("", 0), ("-5", 0), ("soon", 0), ("1e3", 0), ("9" * 30, 999_999_999.999)],
)
def test_the_wait_that_a_throttle_names_is_read_in_milliseconds(header: str, seconds: float) -> None:
    with pytest.raises(Throttled) as caught:
        read_success(answered(429, {"x-acs-retry-after": header}))
    assert caught.value.retry_after == seconds


def test_the_answers_code_text_and_request_id_are_kept_as_they_came() -> None:
    with pytest.raises(Refused) as caught:
        read_success(answered(Success=False, Code="iot.x.Y", ErrorMessage="no", RequestId="R1"))
    assert (caught.value.code, caught.value.text, caught.value.request_id) == ("iot.x.Y", "no", "R1")


@given(st.binary(), st.integers(100, 599))
def test_any_answer_is_of_some_kind(body: bytes, status: int) -> None:
    with pytest.raises(CallError):
        read_success(Answer(status, {}, body))


@pytest.mark.parametrize(
    "answer",
    [
        answered(
            400, Code="SignatureDoesNotMatch", Message="hidden+secret does not match, server string to sign is:hidden"
        ),
        answered(Success=False, Code="x", Message="hidden%252Ftoken%253D%253D does not match hidden%2Ftoken%3D%3D"),
    ],
)
def test_the_text_of_an_error_holds_no_secret(answer: Answer) -> None:
    """The real API repeats the string that was signed, token and all."""
    with pytest.raises(CallError) as caught:
        read_success(answer, Credentials("testid", "hidden+secret", "hidden/token==").secrets)
    assert "hidden" not in str(caught.value)
    assert "does not match" in caught.value.text


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
