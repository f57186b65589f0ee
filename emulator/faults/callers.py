"""Reads from a call over HTTP the parts that rules match: its operation, its key, its text."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, unquote_plus

from starlette.types import Scope

from emulator.bodies import decode
from emulator.smq.api.app import operation_of

_MNS = re.compile(r"MNS ([^:\s]+):")
_ACS3 = re.compile(r"Credential=([^,\s]+)")
_BODY = re.compile(r"<MessageBody>([^<]*)</MessageBody>")
_FUNCTIONS = re.compile(r"/functions/([^/]+)")


@dataclass(frozen=True)
class Caller:
    """The operation, the access key and the text of a call. `text` is all of it, decoded; `key` may be empty."""

    operation: str
    key: str
    text: str


def read_iot(scope: Scope, body: bytes) -> Caller:
    """Read a call of the IoT API: signed in its parameters or, by newer SDKs, in its headers."""
    query = scope["query_string"].decode("latin-1")
    form = body.decode("latin-1")
    parameters = parse_qs(f"{query}&{form}")
    operation = _header(scope, b"x-acs-action") or parameters.get("Action", [""])[0]
    signed = _ACS3.search(_header(scope, b"authorization"))
    key = signed[1] if signed else parameters.get("AccessKeyId", [""])[0]
    return Caller(operation, key, unquote_plus(query + "&" + form))


def read_smq(scope: Scope, body: bytes) -> Caller:
    """Read a call of SMQ; the text has message bodies decoded too."""
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    signed = _MNS.match(_header(scope, b"authorization"))
    operation = operation_of(scope["method"], path, query, body)
    text = body.decode("utf-8", "replace")
    bodies = [decode(encoded) for encoded in _BODY.findall(text)]
    return Caller(operation, signed[1] if signed else "", "\n".join([unquote(path), query, text, *bodies]))


def read_fc(scope: Scope, body: bytes) -> Caller:
    """Read a call of Function Compute: the operation is the function's name."""
    path = scope["path"]
    invoked = _FUNCTIONS.search(path)
    parts = path.split("/")
    name = invoked[1] if invoked else parts[4] if path.startswith("/2016-08-15/proxy/") and len(parts) > 4 else parts[1]
    return Caller(name, "", f"{scope['method']} {path}\n{body.decode('utf-8', 'replace')}")


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for header, value in scope["headers"] if header == name), "")
