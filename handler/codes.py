"""Classifies answers of the IoT API: by code first, then by HTTP status.

API reference, "Error codes". Codes are compared in lower case: the pages do not agree on their spelling.
"""

import json
import re
from collections.abc import Mapping

from handler.errors import CallError, Misconfigured, Refused, Throttled, Transient, Unanswered
from handler.http1 import Answer
from handler.log import mask

_TRANSIENT = ("iot.system.systemexception", "systemexception", "serviceunavailable", "internalerror")
# Endings of codes for failures on the server's side, from the pages of several years.
_TRANSIENT_ENDINGS = ("failed", "actionerror", "exception", "timeout", "busy")
# The first copy of the call may have arrived: its effect has to be read back, as after a lost answer.
_SEEN_BEFORE = "signaturenonceused"
_INSTANCE = ("iot.system.instancenotfound", "iot.sre.iotinstancenotfound")
_DEPLOYMENT = (
    "signaturedoesnotmatch", "incompletesignature", "invalidsignature", "missingsignature", "invalidaccesskeyid",
    "missingaccesskeyid", "inactiveaccesskeyid", "invalidsecuritytoken", "missingsecuritytoken", "nopermission",
    "invalidtimestamp", "missingtimestamp", "unsupportedhttpmethod", "invalidproduct.notfound", "invalidapi.notfound",
    "invalidaction", "invalidversion", "invalidprotocol", "iot.common.ramactionpermissiondeny", "iot.common.invalidtenant",
    "iot.system.uidnotfound", "iot.system.billisoverdue", "iot.sre.", *_INSTANCE,
)  # fmt: skip
# Signing again, with the current keys, may succeed.
_ONCE_MORE = ("invalidtimestamp.expired", "invalidsecuritytoken", "signaturedoesnotmatch", "invalidaccesskeyid")
_NO_CODE = "HTTP"


def read_success(answer: Answer, secrets: tuple[str, ...] = ()) -> Mapping[str, object]:
    """Return the body of a successful answer, its keys in lower case (compatible platforms spell them differently).

    Raises: CallError of the matching kind, with `secrets` masked in its text.
    """
    body = _parse(answer)
    if body.get("success") in (True, "true", "True") and answer.status < 300:
        return body
    raise _build_error(answer.status, body, _retry_after(answer.headers.get("x-acs-retry-after", "")), secrets)


def request_id(body: Mapping[str, object]) -> str | None:
    return str(body["requestid"]) if body.get("requestid") else None


def names_no_instance(error: CallError) -> bool:
    """Tell whether the instance does not exist."""
    return error.code.lower() in _INSTANCE


def names_place(error: CallError) -> bool:
    """Tell whether a refusal is about the product or the instance, and not about a failure to look them up."""
    code = error.code.lower()
    return ("prod" in code or "instance" in code) and not code.endswith("error")


def may_pass(error: CallError) -> bool:
    """Tell whether the same call, signed anew, may be accepted."""
    return error.code.lower().startswith(_ONCE_MORE)


def is_expired(error: CallError) -> bool:
    """Tell whether the keys have expired."""
    return error.code.lower() == "invalidsecuritytoken.expired"


def is_general(error: CallError) -> bool:
    """Tell whether an error holds for all calls: one without a code may come from a firewall that blocks a single call."""
    return not error.code.startswith(_NO_CODE)


def _build_error(status: int, body: Mapping[str, object], retry_after: float, secrets: tuple[str, ...]) -> CallError:
    code = str(body.get("code") or "")
    text = mask(str(body.get("errormessage") or body.get("message") or ""), secrets)
    # SignatureDoesNotMatch repeats the string to sign, token included.
    text = re.split("string to sign", text, maxsplit=1, flags=re.IGNORECASE)[0]
    kind = _classify(status, code.lower(), retry_after=retry_after, decided="success" in body)
    return kind(code or f"{_NO_CODE}{status}", text, request_id=request_id(body), retry_after=retry_after)


def _classify(status: int, code: str, *, retry_after: float, decided: bool) -> type[CallError]:
    if retry_after or status == 429 or "throttling" in code or code.endswith("ratelimit"):
        return Throttled
    if code.startswith(_TRANSIENT) or code.endswith(_TRANSIENT_ENDINGS):
        return Transient
    if code.startswith(_SEEN_BEFORE) or status in (502, 504):
        return Unanswered
    if code.startswith(_DEPLOYMENT) or "forbidden" in code:
        return Misconfigured
    if status >= 500:
        return Transient
    if decided or (code and status >= 400):
        return Refused
    return Misconfigured if status in (401, 403, 404) else Unanswered


def _parse(answer: Answer) -> Mapping[str, object]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    return {str(name).lower(): value for name, value in body.items()} if isinstance(body, dict) else {}


def _retry_after(header: str) -> float:
    """Convert the header's milliseconds to seconds; 0 if absent, zero, negative or not a number."""
    digits = header.strip()
    return int(digits[:12]) / 1000 if digits.isascii() and digits.isdigit() else 0.0
