"""Signs requests to SMQ ("Signatures", HMAC-SHA1)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

from handler.credentials import Credentials


def sign_smq(target: str, body: bytes, keys: Credentials, moment: float) -> Mapping[str, str]:
    """Return the headers of a signed POST, at `moment` in unix seconds."""
    # Base64 of the digest's hexadecimal digits, unlike RFC 1864: so the official SDKs send it.
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).hexdigest().encode()).decode()
    kind, date = "text/xml;charset=UTF-8", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(moment))
    signed = f"POST\n{digest}\n{kind}\n{date}\nx-mns-version:2015-06-06\n{target}"
    signature = base64.b64encode(hmac.digest(keys.access_key_secret.encode(), signed.encode(), "sha1")).decode()
    return {
        "content-md5": digest,
        "content-type": kind,
        "x-mns-version": "2015-06-06",
        "date": date,
        "Authorization": f"MNS {keys.access_key_id}:{signature}",
        **({"security-token": keys.security_token} if keys.security_token else {}),
    }
