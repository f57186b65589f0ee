"""Signatures by ACS3-HMAC-SHA256, over the headers.

Source: https://www.alibabacloud.com/help/en/doc-detail/2593177.htm
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

ACS3 = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{ACS3} +Credential=(?P<credential>[^,\s]+), *SignedHeaders=(?P<headers>[^,\s]+),"
    r" *Signature=(?P<signature>[0-9a-f]+)"
)


def percent(text: str) -> str:
    """Encode by RFC 3986 in UTF-8: all but letters, digits and `-_.~` as upper-case `%XX`."""
    return quote(text, safe="-_.~")


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Write the parameters sorted by the bytes of their names (code point order is UTF-8's byte order)."""
    return "&".join(f"{percent(name)}={percent(value)}" for name, value in sorted(parameters.items()))


@dataclass(frozen=True)
class Authorization:
    """An `Authorization: ACS3-HMAC-SHA256 …` header."""

    credential: str
    signed_headers: tuple[str, ...]
    signature: str

    @classmethod
    def read(cls, header: str) -> "Authorization | None":
        """Read a header; return None if it is malformed."""
        match = _AUTHORIZATION.fullmatch(header.strip())
        return match and cls(match["credential"], tuple(match["headers"].split(";")), match["signature"])


def canonical_request(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], signed_headers: Sequence[str]
) -> str:
    """Write the canonical request; names of headers are in lower case. The body is given by `x-acs-content-sha256`."""
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed_headers)
    body_hash = headers.get("x-acs-content-sha256", "")
    return "\n".join((method, path, canonical_query(query), lines, ";".join(signed_headers), body_hash))


def string_to_sign(canonical: str) -> str:
    return f"{ACS3}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
