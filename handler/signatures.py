"""Signatures of Alibaba Cloud's requests: RPC style ("Request signatures", HMAC-SHA1), and SMQ's own ("Signatures")."""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from urllib.parse import quote

from handler.credentials import Credentials


def sign_rpc(parameters: Mapping[str, str], keys: Credentials, moment: float) -> str:
    """Return the target of a signed POST, at `moment` in unix seconds. Each has a nonce of its own."""
    common = {
        "Format": "JSON",
        "AccessKeyId": keys.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": os.urandom(16).hex(),
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
        **({"SecurityToken": keys.security_token} if keys.security_token else {}),
    }
    query = "&".join(f"{name}={_escape(value)}" for name, value in sorted({**common, **parameters}.items()))
    # All of it is escaped once more, and but for these three characters it is what escaping leaves alone.
    signed = query.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    return f"/?{query}&Signature={_escape(_sign(keys.access_key_secret + '&', f'POST&%2F&{signed}'))}"


def sign_smq(target: str, body: bytes, keys: Credentials, moment: float) -> Mapping[str, str]:
    """Return the headers of a signed POST, at `moment` in unix seconds."""
    # Base64 of the digest's hexadecimal digits, unlike RFC 1864: so the official SDKs send it.
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).hexdigest().encode()).decode()
    kind, date = "text/xml;charset=UTF-8", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(moment))
    signature = _sign(keys.access_key_secret, f"POST\n{digest}\n{kind}\n{date}\nx-mns-version:2015-06-06\n{target}")
    return {
        "content-md5": digest,
        "content-type": kind,
        "x-mns-version": "2015-06-06",
        "date": date,
        "Authorization": f"MNS {keys.access_key_id}:{signature}",
        **({"security-token": keys.security_token} if keys.security_token else {}),
    }


def _sign(secret: str, text: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


def _escape(text: str) -> str:
    return quote(text, safe="-_.~")
