"""The API's answers, and what each tells the function."""

import json
from collections.abc import Mapping

from handler.http1 import Answer


def answered(status: int, headers: Mapping[str, str] | None = None, **body: object) -> Answer:
    return Answer(status, headers or {}, json.dumps({"RequestId": "R", **body}).encode())


def refusal(code: str) -> Answer:
    return answered(200, Success=False, Code=code, ErrorMessage="no")


DONE = answered(200, Success=True)
BUSY = (
    answered(503, Code="ServiceUnavailable", Message="later"),
    answered(500, Code="InternalError", Message="later"),
    Answer(502, {}, b"<html>Bad Gateway</html>"),
    Answer(504, {}, b""),
    Answer(503, {}, b""),
    answered(500, Code="Odd.Failure", Message="odd"),
    Answer(200, {}, b'{"RequestId": "R", "Succ'),
    refusal("iot.system.SystemException"),
    refusal("iot.common.QueryProductActionError"),
    refusal("iot.ota.CreateModuleFailed"),
    refusal("iot.ota.QueryTIMEOUT"),
    refusal("iot.system.ServerBusy"),
    refusal("iot.ota.OddException"),
)
THROTTLED = (
    answered(400, {"x-acs-retry-after": "300"}, Code="Throttling.User", Message="slow down"),
    answered(429, Code="Throttling"),
    answered(503, {"x-acs-retry-after": "-5"}, Code="Throttling.Api", Message="slow down"),
    answered(400, {"x-acs-retry-after": "99999999"}, Code="Throttling.User", Message="slow down"),
)
FORBIDDEN = answered(403, Code="Forbidden.RAM", Message="not authorized")
EXPIRED = answered(400, Code="InvalidSecurityToken.Expired", Message="expired")
IN_ARREARS = refusal("iot.system.BillIsOverDue")
DENIED = (
    FORBIDDEN,
    answered(404, Code="InvalidAccessKeyId.NotFound", Message="no such key"),
    EXPIRED,
    refusal("iot.common.InvalidTenant"),
    IN_ARREARS,
)
"""Answers to what the deployment does wrong."""
REFUSED = tuple(
    map(refusal, ("iot.ota.NameExists", "iot.ota.ParameterInvalid", "iot.ota.LimitExceeded", "iot.common.Odd", ""))
)
"""Answers that say no to a request; no code of theirs is documented."""
UNREADABLE = tuple(map(refusal, ("iot.ota.Odd", "iot.common.QueryError", "")))
"""Answers to a list that say nothing of the product."""
NO_PRODUCT = (refusal("iot.prod.NotExistedProduct"),)
NO_INSTANCE = (refusal("iot.system.InstanceNotFound"), refusal("iot.Sre.IotInstanceNotFound"))

_TOLD = {
    answer.body: kind
    for kind, answers in (
        ("nothing", BUSY),
        ("throttled", THROTTLED),
        ("denied", DENIED),
        ("refused", (*REFUSED, *NO_PRODUCT)),
        ("no instance", NO_INSTANCE),
    )
    for answer in answers
}


def told(answer: Answer, *, of_list: bool) -> str:
    """What an answer tells: done, refused, throttled, denied, no instance, or nothing."""
    kind = _TOLD.get(answer.body, "done")
    return "nothing" if of_list and kind == "refused" and answer not in NO_PRODUCT else kind


def code_of(answer: Answer) -> str:
    """The code that an answer gives, as an outcome repeats it."""
    if answer.body not in _TOLD:
        return ""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    return str(body.get("Code") or f"HTTP{answer.status}")
