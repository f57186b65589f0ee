"""The gateway before the IoT Platform: it checks signature, key, token, clock and nonce of every call.

Codes and statuses: https://help.aliyun.com/document_detail/48054.html; where pages of the cloud's products differ in a
status, one of theirs is drawn. Only the codes of a wrong or expired token come from no page.
"""

import calendar
import hashlib
import hmac
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from emulator.iot import signature
from emulator.iot.rpc import GatewayError, RpcRequest
from emulator.ram import acs3
from emulator.ram.keys import Accounts, AccountsError, ExpiredToken, Key, UnknownKey, WrongToken

VERSION = "2018-01-20"
CLOCK_WINDOW = 15 * 60
"""Seconds that a caller's clock may be off; some pages say 31 minutes, the stricter limit applies here."""
NONCES_KEPT = 200_000
NONCE_LENGTH = 128
_TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
_COMMON = (
    "Action", "Version", "RegionId", "AccessKeyId", "Timestamp",
    "SignatureMethod", "SignatureVersion", "SignatureNonce", "Signature",
)  # fmt: skip
_ACS3_HEADERS = {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
_MISMATCH = "Specified SecurityToken mismatch with the AccessKey."
_KEY_ERRORS: dict[type[AccountsError], tuple[tuple[int, ...], str, str]] = {
    UnknownKey: ((400, 404), "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
    ExpiredToken: ((400,), "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
    WrongToken: ((400,), "InvalidSecurityToken.MismatchWithAccessKey", _MISMATCH),
}


@dataclass(frozen=True)
class SignedCall:
    """The signed parts of a call, by either scheme; `sign` makes the signature of a text with a secret."""

    version: str
    key_id: str
    token: str
    timestamp: str
    nonce: str
    signature: str
    string_to_sign: str
    sign: Callable[[str, str], str]


def read(request: RpcRequest) -> SignedCall:
    """Raises: GatewayError, where something is missing or malformed."""
    if request.problem:
        raise request.problem
    if request.path != "/":
        raise GatewayError(404, "InvalidApi.NotFound", "Specified api is not found.")
    if request.method not in ("GET", "POST"):
        raise GatewayError(400, "UnsupportedHTTPMethod", "This http method is not supported.")
    authorization = request.headers.get("authorization", "")
    return _read_acs3(request, authorization) if authorization.startswith(acs3.ACS3) else _read_rpc(request)


def _read_rpc(request: RpcRequest) -> SignedCall:
    parameters = request.parameters
    for name in _COMMON:
        if not parameters.get(name):
            raise GatewayError(400, f"Missing{name}", f"{name} is mandatory for this action.")
    for name, wanted in (("method", "HMAC-SHA1"), ("version", "1.0")):
        if parameters[f"Signature{name.title()}"] != wanted:
            text = f"Specified signature {name} is not supported: use {wanted}."
            raise GatewayError(400, f"InvalidSignature{name.title()}", text)
    return SignedCall(
        version=parameters["Version"],
        key_id=parameters["AccessKeyId"],
        token=parameters.get("SecurityToken") or request.headers.get("x-acs-security-token", ""),
        timestamp=parameters["Timestamp"],
        nonce=parameters["SignatureNonce"],
        signature=parameters["Signature"],
        string_to_sign=signature.string_to_sign(request.method, parameters),
        sign=signature.sign,
    )


def _read_acs3(request: RpcRequest, header: str) -> SignedCall:
    authorization = acs3.Authorization.read(header)
    headers = request.headers
    # The token must be signed too, else it could be exchanged on the way.
    required = _ACS3_HEADERS | ({"x-acs-security-token"} & headers.keys())
    if authorization is None or not required <= set(authorization.signed_headers) & headers.keys():
        raise GatewayError(400, "IncompleteSignature", "The request signature does not conform to the V3 standard.")
    if headers["x-acs-content-sha256"] != hashlib.sha256(request.body).hexdigest():
        raise GatewayError(400, "IncompleteSignature", "x-acs-content-sha256 is not the hash of the body.")
    canonical = acs3.canonical_request(
        request.method, request.path, request.query, headers, authorization.signed_headers
    )
    return SignedCall(
        version=headers["x-acs-version"],
        key_id=authorization.credential,
        token=headers.get("x-acs-security-token", ""),
        timestamp=headers["x-acs-date"],
        nonce=headers["x-acs-signature-nonce"],
        signature=authorization.signature,
        string_to_sign=acs3.string_to_sign(canonical),
        sign=acs3.sign,
    )


class Gateway:
    """Admits each signed call of a known key once. `wall` is the cloud's clock, in unix seconds."""

    def __init__(self, accounts: Accounts, wall: Callable[[], float], random_source: random.Random) -> None:
        self._accounts = accounts
        self._wall = wall
        self._random = random_source
        self._nonces: OrderedDict[tuple[str, str], float] = OrderedDict()

    def admit(self, call: SignedCall) -> Key:
        """Return the key that signed. Raises: GatewayError."""
        if call.version != VERSION:
            raise GatewayError(400, "InvalidVersion", "Specified parameter Version is not valid.")
        key = self._authenticate(call)
        self._check_clock(call.timestamp)
        if not hmac.compare_digest(call.sign(key.secret, call.string_to_sign).encode(), call.signature.encode()):
            message = "Specified signature is not matched with our calculation. server string to sign is:"
            status = self._random.choice((400, 403))
            raise GatewayError(status, "SignatureDoesNotMatch", message + call.string_to_sign)
        self._check_nonce(key.id, call.nonce)
        return key

    def _authenticate(self, call: SignedCall) -> Key:
        try:
            return self._accounts.authenticate(call.key_id, call.token)
        except AccountsError as error:
            statuses, code, text = _KEY_ERRORS[type(error)]
            raise GatewayError(self._random.choice(statuses), code, text) from error

    def _check_clock(self, timestamp: str) -> None:
        try:
            moment = calendar.timegm(time.strptime(timestamp, _TIMESTAMP))
        except ValueError:
            moment = None
        # strptime() accepts numbers without their leading zeros.
        if moment is None or time.strftime(_TIMESTAMP, time.gmtime(moment)) != timestamp:
            raise GatewayError(400, "InvalidTimeStamp.Format", "Specified time stamp is not well formatted.")
        if abs(self._wall() - moment) > CLOCK_WINDOW:
            raise GatewayError(400, "InvalidTimeStamp.Expired", "Specified time stamp is expired.")

    def _check_nonce(self, key_id: str, nonce: str) -> None:
        """Refuse a nonce that was used; it is remembered for as long as its call's timestamp could be in the window."""
        if len(nonce) > NONCE_LENGTH:
            raise GatewayError(400, "InvalidSignatureNonce", f"A nonce has {NONCE_LENGTH} characters at most.")
        now = self._wall()
        expired = now - 2 * CLOCK_WINDOW
        while self._nonces and (next(iter(self._nonces.values())) < expired or len(self._nonces) >= NONCES_KEPT):
            self._nonces.popitem(last=False)
        if (key_id, nonce) in self._nonces:
            raise GatewayError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces[key_id, nonce] = now
