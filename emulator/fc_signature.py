"""Who calls Function Compute: the FC 2.0 header signature, and ACS3-HMAC-SHA256 as FC 3.0 has it."""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, unquote

from emulator.accounts import Accounts, AccountsError, Key
from emulator.fc import FcError

CLOCK_WINDOW = 15 * 60
_AUTHORIZATION = re.compile(r"FC ([^:\s]+):([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Signed:
    """What a signature covers; header names are in lower case, `path` is as sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    def texts(self) -> tuple[str, ...]:
        """The strings that may have been signed: invocations sign the path, HTTP triggers its query too."""
        plain = [self.headers.get(name, "") for name in ("content-md5", "content-type", "date")]
        extra = [f"{name}:{value}" for name, value in sorted(self.headers.items()) if name.startswith("x-fc-")]
        base = "\n".join([self.method, *plain, *extra, unquote(self.path)])
        pairs = sorted(f"{name}={value}" for name, value in parse_qsl(self.query, keep_blank_values=True))
        return base, base + "\n" + "\n".join(pairs)


def authenticate(signed: Signed, accounts: Accounts) -> Key:
    """The key that signed a request with the FC 2.0 form. Raises: FcError."""
    match = _AUTHORIZATION.fullmatch(signed.headers.get("authorization", ""))
    if match is None:
        raise FcError(403, "AccessDenied", "the Authorization header is missing or is no FC signature")
    try:
        sent = parsedate_to_datetime(signed.headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        raise FcError(400, "InvalidArgument", "the Date header is missing or cannot be read") from None
    if abs(accounts.wall() - sent) > CLOCK_WINDOW:
        raise FcError(403, "InvalidTimestamp", "the Date header is more than 15 minutes off")
    try:
        key = accounts.authenticate(match[1], signed.headers.get("x-fc-security-token", ""))
    except AccountsError as error:
        raise FcError(403, "AccessDenied", f"{type(error).__name__}: {match[1]}") from None
    wanted = [
        base64.b64encode(hmac.digest(key.secret.encode(), text.encode(), "sha256")).decode() for text in signed.texts()
    ]
    if not any(hmac.compare_digest(one, match[2]) for one in wanted):
        raise FcError(403, "SignatureNotMatch", "the signature does not match")
    return key
