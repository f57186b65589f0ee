"""Authenticates the callers of Function Compute: the FC 2.0 header signature, and ACS3-HMAC-SHA256 of FC 3.0."""

import base64
import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, unquote

from emulator.fc.service import FcError
from emulator.ram import acs3
from emulator.ram.keys import Accounts, ExpiredToken, Key, UnknownKey, WrongToken

CLOCK_WINDOW = 15 * 60
_AUTHORIZATION = re.compile(r"FC ([^:\s]+):([A-Za-z0-9+/=]+)")
_ACS_DATE = "%Y-%m-%dT%H:%M:%SZ"
_MISMATCH = "The request signature we calculated does not match the signature you provided"


@dataclass(frozen=True)
class Signed:
    """The parts of a request that a signature covers; header names are in lower case, `path` is as sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    def text(self) -> str:
        """Return the string that FC 2.0 signs."""
        plain = [self.headers.get(name, "") for name in ("content-md5", "content-type", "date")]
        extra = [f"{name}:{value}" for name, value in sorted(self.headers.items()) if name.startswith("x-fc-")]
        return "\n".join([self.method, *plain, *extra, unquote(self.path)])

    def canonical(self, names: tuple[str, ...]) -> str:
        """Return the canonical request of ACS3."""
        query = dict(parse_qsl(self.query, keep_blank_values=True))
        return acs3.canonical_request(self.method, self.path, query, self.headers, names)


def authenticate(signed: Signed, accounts: Accounts) -> Key:
    """Return the key that signed a request, in either form. Raises: FcError."""
    header = signed.headers.get("authorization", "")
    if not header:
        raise FcError(400, "MissingRequiredHeader", "required HTTP header Authorization was not specified")
    return _by_acs3(signed, header, accounts) if header.startswith(acs3.ACS3) else _by_fc(signed, header, accounts)


def check_body(signed: Signed, body: bytes) -> None:
    """Compare the body with its signed hash, if there is one. Raises: FcError."""
    claimed = signed.headers.get("x-acs-content-sha256")
    if claimed and claimed != hashlib.sha256(body).hexdigest():
        raise FcError(403, "SignatureNotMatch", f"{_MISMATCH}: x-acs-content-sha256 is not the hash of the body")


def _by_fc(signed: Signed, header: str, accounts: Accounts) -> Key:
    match = _AUTHORIZATION.fullmatch(header)
    if match is None:
        raise FcError(403, "AccessDenied", "the Authorization header is neither an FC nor an ACS3 signature")
    try:
        sent = parsedate_to_datetime(signed.headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        raise FcError(400, "InvalidArgument", "the Date header is missing or cannot be read") from None
    _check_clock(sent, accounts)
    key = _find_key(match[1], signed.headers.get("x-fc-security-token", ""), accounts)
    expected = base64.b64encode(hmac.digest(key.secret.encode(), signed.text().encode(), "sha256")).decode()
    if not hmac.compare_digest(expected, match[2]):
        raise FcError(403, "SignatureNotMatch", _MISMATCH)
    return key


def _by_acs3(signed: Signed, header: str, accounts: Accounts) -> Key:
    authorization = acs3.Authorization.read(header)
    required = {name for name in signed.headers if name.startswith("x-acs-")} | {"x-acs-date"}
    if authorization is None or not required <= set(authorization.signed_headers) & signed.headers.keys():
        raise FcError(403, "SignatureNotMatch", f"{_MISMATCH}: x-acs-date and all other x-acs-* must be signed")
    try:
        sent = calendar.timegm(time.strptime(signed.headers["x-acs-date"], _ACS_DATE))
    except ValueError:
        raise FcError(400, "InvalidArgument", "the x-acs-date header cannot be read") from None
    _check_clock(sent, accounts)
    key = _find_key(authorization.credential, signed.headers.get("x-acs-security-token", ""), accounts)
    text = acs3.string_to_sign(signed.canonical(authorization.signed_headers))
    if not hmac.compare_digest(acs3.sign(key.secret, text), authorization.signature):
        raise FcError(403, "SignatureNotMatch", _MISMATCH)
    return key


def _check_clock(sent: float, accounts: Accounts) -> None:
    if abs(accounts.wall() - sent) > CLOCK_WINDOW:
        raise FcError(403, "InvalidTimestamp", "the request's date is more than 15 minutes off")


def _find_key(key_id: str, token: str, accounts: Accounts) -> Key:
    try:
        return accounts.authenticate(key_id, token)
    except UnknownKey:
        raise FcError(403, "InvalidAccessKeyID", f"invalid access key ID '{key_id}'") from None
    except ExpiredToken:
        raise FcError(403, "AccessDenied", f"the security token of '{key_id}' has expired") from None
    except WrongToken:
        raise FcError(403, "AccessDenied", f"the security token does not belong to '{key_id}'") from None
