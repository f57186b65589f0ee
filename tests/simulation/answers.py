"""The API's answers, and what each tells the function."""

import json

from handler.http1 import Answer
from tests.support.fake_iot import answered


def refusals(*codes: str) -> tuple[Answer, ...]:
    return tuple(answered(200, Success=False, Code=code, ErrorMessage="no") for code in codes)


DONE = answered(200, Success=True)
BUSY = (
    answered(503, Code="ServiceUnavailable", Message="later"),
    answered(500, Code="InternalError", Message="later"),
    Answer(502, {}, b"<html>Bad Gateway</html>"),
    Answer(504, {}, b""),
    Answer(503, {}, b""),
    answered(500, Code="Odd.Failure", Message="odd"),
    Answer(200, {}, b'{"RequestId": "R", "Succ'),
    *refusals("iot.system.SystemException", "iot.common.QueryProductActionError", "iot.ota.CreateModuleFailed"),
    *refusals("iot.ota.QueryTIMEOUT", "iot.system.ServerBusy", "iot.ota.OddException"),
)
THROTTLED = (
    answered(400, {"x-acs-retry-after": "300"}, Code="Throttling.User", Message="slow down"),
    answered(429, Code="Throttling"),
    answered(503, {"x-acs-retry-after": "-5"}, Code="Throttling.Api", Message="slow down"),
    answered(400, {"x-acs-retry-after": "99999999"}, Code="Throttling.User", Message="slow down"),
)
FORBIDDEN = answered(403, Code="Forbidden.RAM", Message="not authorized")
UNKNOWN_KEY = answered(404, Code="InvalidAccessKeyId.NotFound", Message="no such key")
EXPIRED = answered(400, Code="InvalidSecurityToken.Expired", Message="expired")
INVALID_TENANT, IN_ARREARS = refusals("iot.common.InvalidTenant", "iot.system.BillIsOverDue")
DENIED = (FORBIDDEN, UNKNOWN_KEY, EXPIRED, INVALID_TENANT, IN_ARREARS)
"""Answers to what the deployment does wrong."""
REFUSED = refusals("iot.ota.NameExists", "iot.ota.ParameterInvalid", "iot.ota.LimitExceeded", "iot.common.Odd", "")
"""Answers that say no to a request; no code of theirs is documented."""
UNREADABLE = refusals("iot.ota.Odd", "iot.common.QueryError", "")
"""Answers to a list that say nothing of the product."""
NO_PRODUCT = refusals("iot.prod.NotExistedProduct")
NO_INSTANCE = refusals("iot.system.InstanceNotFound", "iot.Sre.IotInstanceNotFound")

_REFUSALS = {"refused": (*REFUSED, *NO_PRODUCT), "no instance": NO_INSTANCE}
_KINDS = {"nothing": BUSY, "throttled": THROTTLED, "denied": DENIED, **_REFUSALS}
_KIND_OF = {answer.body: kind for kind, answers in _KINDS.items() for answer in answers}


def kind_of(answer: Answer, *, of_list: bool) -> str:
    """What an answer tells: done, refused, throttled, denied, no instance, or nothing."""
    kind = _KIND_OF.get(answer.body, "done")
    return "nothing" if of_list and kind == "refused" and answer not in NO_PRODUCT else kind


def code_of(answer: Answer) -> str:
    """The code that an answer gives, as an outcome repeats it."""
    if answer.body not in _KIND_OF:
        return ""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    return str(body.get("Code") or f"HTTP{answer.status}")
