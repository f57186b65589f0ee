"""ACS3-HMAC-SHA256, the signature of the platform's APIs and of HTTP triggers with `authType: function`.

Function Compute 3.0, "Configure signature authentication for HTTP triggers"; "V3 request body and signature".
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cli.clients.target import Keys

ALGORITHM = "ACS3-HMAC-SHA256"


def signed_headers(
    method: str, url: str, keys: Keys, moment: float, headers: Mapping[str, str] | None = None, payload: str = ""
) -> dict[str, str]:
    """Return `headers`, whose names are in lower case, and those that let a call in; `moment` is unix seconds.

    `payload` is the hash of the body: empty for HTTP triggers, which leave the body unsigned.
    """
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    token = {"x-acs-security-token": keys.token} if keys.token else {}
    sent = {**(headers or {}), "x-acs-date": date, **token}
    signed = {
        name: value for name, value in sent.items() if name.startswith("x-acs-") or name in ("host", "content-type")
    }
    names = ";".join(sorted(signed))
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    canonical = "\n".join((
        method,
        quote(unquote(parts.path) or "/", safe="/~"),
        "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query),
        "".join(f"{name}:{signed[name]}\n" for name in sorted(signed)),
        names,
        payload,
    ))  # fmt: skip
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(keys.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return {**sent, "Authorization": f"{ALGORITHM} Credential={keys.id},SignedHeaders={names},Signature={signature}"}
