"""Authenticates an SMQ request by its Authorization header, Date and security token (SMQ, "Sign requests")."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import timezone
from email.utils import parsedate_to_datetime

from emulator.ram.keys import Accounts, AccountsError, Key, UnknownKey
from emulator.smq.errors import SmqError

CLOCK_WINDOW = 15 * 60
"""Seconds that a request's Date may lie before or after the service's clock."""

_AUTHORIZATION = re.compile(r"MNS ([^:\s]+):([A-Za-z0-9+/=]+)")


def authenticate(method: str, target: str, headers: Mapping[str, str], accounts: Accounts) -> Key:
    """Return the key that signed a request. Raises: SmqError.

    `target` is path and query exactly as sent; the names of headers are in lower case.
    """
    header = headers.get("authorization")
    if not header:
        raise SmqError(400, "MissingAuthorizationHeader", "Authorization header is required.")
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise SmqError(400, "InvalidAuthorizationHeader", "The Authorization header format is invalid.")
    _check_date(headers, accounts.wall())
    key = _find_key(accounts, match[1], headers.get("security-token", ""))
    plain = [headers.get(name, "") for name in ("content-md5", "content-type", "date")]
    extra = [f"{name}:{value}" for name, value in sorted(headers.items()) if name.startswith("x-mns-")]
    text = "\n".join([method, *plain, *extra, target])
    expected = base64.b64encode(hmac.digest(key.secret.encode(), text.encode(), "sha1")).decode()
    if not hmac.compare_digest(expected, match[2]):
        raise SmqError(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            f"Check your key and signing method. The string to sign was: {text!r}",
        )
    return key


def check_digest(digest: str, body: bytes) -> None:
    """Compare Content-MD5 with the body: RFC 1864 and the official SDK's base64 of the hex digest are both accepted.

    Raises: SmqError.
    """
    md5 = hashlib.md5(body, usedforsecurity=False)
    forms = (base64.b64encode(md5.digest()), base64.b64encode(md5.hexdigest().encode()))
    if digest and digest.encode() not in forms:
        raise SmqError(400, "InvalidDegist", "The Content-MD5 you specified is invalid.")


def _check_date(headers: Mapping[str, str], now: float) -> None:
    date = headers.get("date") or headers.get("x-mns-date")
    if not date:
        raise SmqError(400, "MissingDateHeader", "Date header is required.")
    try:
        parsed = parsedate_to_datetime(date)
        # RFC 2822's "-0000" gives a naive time in UTC; everything else carries its zone.
        moment = (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        raise SmqError(400, "InvalidDateHeader", "The Date header format is invalid.") from None
    if abs(now - moment) > CLOCK_WINDOW:
        raise SmqError(408, "TimeExpired", "The http request you sent is expired.")


def _find_key(accounts: Accounts, key_id: str, token: str) -> Key:
    try:
        return accounts.authenticate(key_id, token)
    except UnknownKey:
        raise SmqError(403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist.") from None
    except AccountsError as error:
        raise SmqError(403, "AccessDenied", f"The security token is not accepted: {type(error).__name__}.") from None
