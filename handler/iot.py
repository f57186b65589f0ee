"""The IoT Platform API, version 2018-01-20: sign a call, send it, and tell one kind of answer from another.

API reference: CreateOTAModule, ListOTAModuleByProduct, UpdateOTAModule; signatures: "Request signatures" (RPC, HMAC-SHA1).
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from aliyunsdkcore.auth.composer import rpc_signature_composer

from handler.clock import Clock
from handler.connections import Answer
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, NotSent, OutOfTime, Refused, Throttled, Transient, Unanswered
from handler.log import mask
from handler.pacing import Quota
from handler.steps import reached

VERSION = "2018-01-20"
CREATE = "CreateOTAModule"
LIST = "ListOTAModuleByProduct"
UPDATE = "UpdateOTAModule"

SHORTEST_WAIT = 0.05
"""Seconds: a call that could not wait even this long for its answer is not sent."""
LATE = 0.05
"""Seconds after its slot at which a call may leave, because its connection had to be opened again; then it needs another."""
SLOTS = 3
"""Slots that one call may need, with a server that closes connections sooner than the line moves on."""

_TRANSIENT = (
    "iot.system.systemexception",
    "systemexception",
    "serviceunavailable",
    "internalerror",
    "iot.common.queryproductactionerror",
)
# The first copy of the call may have arrived: its effect has to be read back, as after a lost answer.
_SEEN_BEFORE = "signaturenonceused"
_INSTANCE = ("iot.system.instancenotfound", "iot.sre.iotinstancenotfound")
_DEPLOYMENT = (
    "signaturedoesnotmatch", "incompletesignature", "invalidsignature", "missingsignature", "invalidaccesskeyid",
    "missingaccesskeyid", "inactiveaccesskeyid", "invalidsecuritytoken", "missingsecuritytoken", "forbidden", "nopermission",
    "invalidtimestamp", "missingtimestamp", "unsupportedhttpmethod", "invalidproduct.notfound", "invalidapi.notfound",
    "invalidaction", "invalidversion", "invalidprotocol", "iot.common.ramactionpermissiondeny", "iot.common.invalidtenant",
    "iot.system.uidnotfound", "iot.system.billisoverdue", *_INSTANCE,
)  # fmt: skip
# A signature made anew, with the keys of this moment, can put these right.
_ONCE_MORE = ("invalidtimestamp.expired", "invalidsecuritytoken", "signaturedoesnotmatch", "invalidaccesskeyid")


class Module(NamedTuple):
    """A module as ListOTAModuleByProduct shows it; `GmtCreate` is text of more than one format."""

    ModuleName: str
    AliasName: str = ""
    Desc: str = ""
    GmtCreate: str = ""


class Transport(Protocol):
    """How a signed call travels; both raise NotSent and `post` raises Unanswered."""

    def open(self, seconds: float) -> None: ...

    def post(self, target: str, seconds: float) -> Answer: ...


class Usage:
    """What one request cost: calls sent, throttles among the answers, seconds waited for the quota."""

    calls = 0
    throttles = 0
    waited = 0.0

    def add(self, other: "Usage") -> None:
        self.calls += other.calls
        self.throttles += other.throttles
        self.waited += other.waited


class IotApi(NamedTuple):
    """The API at one endpoint; shared by all threads of an instance."""

    region: str
    transport: Transport
    quota: Quota
    clock: Clock
    read_timeout: float

    def signed(self, action: str, parameters: Mapping[str, str], credentials: Credentials) -> str:
        """The request target of a call, signed now: every attempt has its own nonce and timestamp."""
        common = {"Version": VERSION, "Action": action, "RegionId": self.region}
        if credentials.security_token:
            common["SecurityToken"] = credentials.security_token
        target, _string_to_sign = rpc_signature_composer.get_signed_url(
            {**common, **parameters}, credentials.access_key_id, credentials.access_key_secret, "JSON", "POST", {}
        )
        return str(target)


class Halt:
    """The operations that this deployment cannot call, once an answer has said so: then nobody tries again."""

    def __init__(self) -> None:
        self._reasons: dict[str, Misconfigured] = {}

    def check(self, action: str) -> None:
        """Raises: Misconfigured: an earlier call of the operation found out."""
        if action in self._reasons:
            raise self._reasons[action]

    def set(self, action: str, reason: Misconfigured) -> None:
        self._reasons[action] = reason

    @property
    def reasons(self) -> Mapping[str, Misconfigured]:
        return self._reasons


class Session:
    """One request's use of the API, within one invocation: its keys, its deadline (clock seconds), its cost."""

    def __init__(
        self,
        api: IotApi,
        credentials: Callable[[], Credentials],
        deadline: float,
        halt: Halt,
        *,
        usage: Usage | None = None,
        names_instance: bool = False,
    ) -> None:
        self.usage = usage or Usage()
        self.deadline = deadline
        self.clock = api.clock
        self._api = api
        self._credentials = credentials
        self._halt = halt
        self._names_instance = names_instance

    def create(self, parameters: Mapping[str, str]) -> str | None:
        """CreateOTAModule; the API's request id. Raises: CallError of every kind, OutOfTime."""
        return _request_id(self._call(CREATE, parameters))

    def update(self, parameters: Mapping[str, str]) -> str | None:
        """UpdateOTAModule; the API's request id. Raises: CallError of every kind, OutOfTime."""
        return _request_id(self._call(UPDATE, parameters))

    def modules(self, parameters: Mapping[str, str]) -> list[Module]:
        """ListOTAModuleByProduct: all modules of a product, `default` included where the API shows it.

        Raises: CallError of every kind, OutOfTime.
        """
        return listed(self._call(LIST, parameters).get("data"))

    def sleep(self, seconds: float, doing: str) -> None:
        """Wait. Raises: OutOfTime: at once, where the deadline comes first."""
        if self.clock.now() + seconds >= self.deadline:
            raise OutOfTime(doing, seconds)
        self.clock.sleep(seconds)

    def _call(self, action: str, parameters: Mapping[str, str]) -> Mapping[str, object]:
        try:
            return self._attempt(action, parameters)
        except Misconfigured as error:
            if not error.code.lower().startswith(_ONCE_MORE):
                raise self._halted(action, error) from None
        try:
            return self._attempt(action, parameters)
        except Misconfigured as error:
            raise self._halted(action, error) from None

    def _halted(self, action: str, error: Misconfigured) -> CallError:
        if self._names_instance and error.code.lower() in _INSTANCE:
            # The request itself named the instance: that is its own fault, and no other request's.
            return Refused(error.code, error.text, request_id=error.request_id)
        self._halt.set(action, error)
        return error

    def _left(self, action: str) -> float:
        seconds = self.deadline - self.clock.now()
        if seconds < SHORTEST_WAIT:
            raise OutOfTime(action)
        return seconds

    def _take_slot(self, action: str) -> None:
        """Wait for a slot, with a connection over which the call can leave in it."""
        self._api.transport.open(self._left(action))
        for _ in range(SLOTS):
            self.usage.waited += self._api.quota.wait(action, self.deadline)
            slot = self.clock.now()
            self._api.transport.open(self._left(action))
            if self.clock.now() - slot <= LATE:
                return
        raise NotSent("NotConnected", "the server closes connections sooner than they are used")

    def _attempt(self, action: str, parameters: Mapping[str, str]) -> Mapping[str, object]:
        self._halt.check(action)
        keys = self._credentials()
        if not keys.access_key_id:
            raise Misconfigured(
                "NoCredentials", "neither the context nor the variables hold keys: has the function a role?"
            )
        self._take_slot(action)
        reached("paced")
        self._halt.check(action)
        seconds = min(self._api.read_timeout, self._left(action))
        self.usage.calls += 1
        target = self._api.signed(action, parameters, keys)
        try:
            answer = self._api.transport.post(target, seconds)
            reached("answered")
            body = understood(answer, keys.secrets)
        except Throttled as error:
            self.usage.throttles += 1
            self._api.quota.throttled(action, error.retry_after)
            raise
        except CallError as error:
            if not isinstance(error, Transient):
                self._api.quota.accepted(action)
            raise
        self._api.quota.accepted(action)
        return body


def understood(answer: Answer, secrets: tuple[str, ...] = ()) -> Mapping[str, object]:
    """The body of a successful answer, its keys in lower case (compatible platforms spell them otherwise).

    Raises: CallError of the kind that the answer is, without `secrets` in its text.
    """
    body = _parsed(answer)
    success = body.get("success") in (True, "true", "True")
    retry_after = _retry_after(answer.headers.get("x-acs-retry-after", ""))
    if success and answer.status < 300:
        return body
    raise _error(answer.status, body, retry_after, secrets)


def _error(status: int, body: Mapping[str, object], retry_after: float, secrets: tuple[str, ...]) -> CallError:
    code = str(body.get("code") or "")
    text = mask(str(body.get("errormessage") or body.get("message") or ""), secrets)
    # SignatureDoesNotMatch repeats all that was signed, the token included.
    text = re.split("string to sign", text, maxsplit=1, flags=re.IGNORECASE)[0]
    kind = _kind(status, code.lower(), retry_after=retry_after, decided="success" in body)
    return kind(code or f"HTTP{status}", text, request_id=_request_id(body), retry_after=retry_after)


def _request_id(body: Mapping[str, object]) -> str | None:
    return str(body["requestid"]) if body.get("requestid") else None


def _kind(status: int, code: str, *, retry_after: float, decided: bool) -> type[CallError]:
    if retry_after or status == 429 or "throttling" in code or code.endswith("ratelimit"):
        return Throttled
    if code.startswith(_TRANSIENT):
        return Transient
    if code.startswith(_SEEN_BEFORE) or status in (502, 504):
        return Unanswered
    if code.startswith(_DEPLOYMENT):
        return Misconfigured
    if status >= 500:
        return Transient
    if decided or (code and status >= 400):
        return Refused
    return Misconfigured if status in (401, 403, 404) else Unanswered


def _parsed(answer: Answer) -> Mapping[str, object]:
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    return {str(name).lower(): value for name, value in body.items()} if isinstance(body, dict) else {}


def _retry_after(header: str) -> float:
    """Seconds; 0 where the header is absent, zero, negative or no number of milliseconds."""
    digits = header.strip()
    return int(digits[:12]) / 1000 if digits.isascii() and digits.isdigit() else 0.0


def listed(data: object) -> list[Module]:
    """The modules in ListOTAModuleByProduct's Data: documented as an array, seen as an object, as
    {"OtaModuleDTO": […]} and as null.

    Raises: Unanswered: it is none of these.
    """
    if isinstance(data, dict):
        fields = {str(name).lower(): value for name, value in data.items()}
        data = fields.get("otamoduledto", [] if not fields else [data])
    if isinstance(data, dict):
        data = [data]
    if data is None:
        return []
    if not isinstance(data, list):
        raise Unanswered("UnreadableData", f"Data is a {type(data).__name__}")
    return [_module(entry) for entry in data]


def _module(entry: object) -> Module:
    if not isinstance(entry, dict):
        raise Unanswered("UnreadableData", f"an entry of Data is a {type(entry).__name__}")
    fields = {str(name).lower(): "" if value is None else str(value) for name, value in entry.items()}
    if not fields.get("modulename"):
        raise Unanswered("UnreadableData", "an entry of Data has no ModuleName")
    return Module(
        fields["modulename"], fields.get("aliasname", ""), fields.get("desc", ""), fields.get("gmtcreate", "")
    )
