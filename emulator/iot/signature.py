"""Signatures of RPC APIs: HMAC-SHA1 over the parameters.

Source: https://help.aliyun.com/document_detail/30563.htm
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from emulator.ram.acs3 import canonical_query, percent


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """Write the string to sign from all parameters, of query and form alike, except `Signature`."""
    signed = {name: value for name, value in parameters.items() if name != "Signature"}
    return f"{method}&%2F&{percent(canonical_query(signed))}"


def sign(secret: str, text: str) -> str:
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
