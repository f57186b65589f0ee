"""Signatures of HTTP triggers with `authType: function` (Function Compute 3.0, "Configure signature authentication for HTTP
triggers"): ACS3-HMAC-SHA256 over method, path, query and the x-acs-* headers; the body is not signed."""

import hashlib
import hmac
import time
import uuid
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cli.clients.target import Keys

ALGORITHM = "ACS3-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()


def signed_headers(method: str, url: str, keys: Keys, moment: float) -> dict[str, str]:
    """The headers that let a call in; `moment` is unix seconds."""
    headers = {"x-acs-date": _date(moment)}
    if keys.token:
        headers["x-acs-security-token"] = keys.token
    return _signed(method, url, headers, keys, payload="")


def api_headers(method: str, url: str, action: str, version: str, keys: Keys, moment: float) -> dict[str, str]:
    """Return the headers of a call of an API of the platform in ROA style, without a body; `moment` is unix seconds."""
    headers = {
        "host": urlsplit(url).netloc,
        "x-acs-action": action,
        "x-acs-content-sha256": _EMPTY,
        "x-acs-date": _date(moment),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-version": version,
    }
    if keys.token:
        headers["x-acs-security-token"] = keys.token
    return _signed(method, url, headers, keys, payload=_EMPTY)


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def _signed(method: str, url: str, headers: dict[str, str], keys: Keys, *, payload: str) -> dict[str, str]:
    names = ";".join(sorted(headers))
    canonical = _canonical_request(method, url, headers, payload)
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(keys.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return {**headers, "Authorization": f"{ALGORITHM} Credential={keys.id},SignedHeaders={names},Signature={signature}"}


def _canonical_request(method: str, url: str, headers: dict[str, str], payload: str) -> str:
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    return "\n".join((
        method,
        quote(unquote(parts.path) or "/", safe="/~"),
        "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
        "".join(f"{name}:{headers[name]}\n" for name in sorted(headers)),
        ";".join(sorted(headers)),
        payload,
    ))  # fmt: skip
