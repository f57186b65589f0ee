"""Calls the IoT Platform API, version 2018-01-20: signs, sends, reads lists; `handler.codes` classifies answers.

API reference: CreateOTAModule, ListOTAModuleByProduct, UpdateOTAModule; signatures: "Request signatures" (RPC, HMAC-SHA1).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

from aliyunsdkcore.auth.composer import rpc_signature_composer

from handler.clock import Clock
from handler.codes import is_expired, is_general, may_pass, names_no_instance, names_place, read_success, request_id
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, OutOfTime, Refused, Throttled, Transient, Unanswered
from handler.http1 import Answer
from handler.moments import unix_seconds
from handler.pacing import Quota
from handler.steps import reached

VERSION = "2018-01-20"
CREATE = "CreateOTAModule"
LIST = "ListOTAModuleByProduct"
UPDATE = "UpdateOTAModule"
WAIT, REQUEST = "quota wait", "request"
"""Names of spans; a call's span has its operation's name."""

SHORTEST_WAIT = 0.05
"""Seconds: a call that could not wait even this long for its answer is not sent."""
LATE = 0.05
"""Seconds by which a call may leave after its slot; if reconnecting takes longer, it needs another slot."""
EXPIRED = (
    "the role's keys have expired: if this lasts, change the function's configuration, so that new instances start"
)
"""An instance keeps the variables that it started with; no page says that the platform ends it before they expire."""


class Module(NamedTuple):
    """A module as ListOTAModuleByProduct shows it; `GmtCreate` is text of more than one format."""

    ModuleName: str
    AliasName: str = ""
    Desc: str = ""
    GmtCreate: str = ""


class Transport(Protocol):
    """Sends signed calls; both methods raise NotSent, `post` also Unanswered."""

    def open(self, seconds: float) -> None: ...

    def post(self, target: str, seconds: float) -> Answer: ...


class Usage:
    """The cost of one request: calls sent, throttled answers, seconds waited for the quota."""

    calls = 0
    throttles = 0
    waited = 0.0


Attributes = dict[str, str | int | None]
Span = Callable[[str, str | None], AbstractContextManager[Attributes]]
"""Begins a named span under a traceparent ("": in a new trace) or this thread's span (None); yields its attributes to fill."""


class IotApi(NamedTuple):
    """The API at one endpoint; shared by all threads of an instance."""

    region: str
    transport: Transport
    quota: Quota
    clock: Clock
    read_timeout: float
    span: Span = lambda _name, _above: nullcontext({})

    def sign(self, action: str, parameters: Mapping[str, str], credentials: Credentials) -> str:
        """Sign a call now and return its target: every attempt has its own nonce and timestamp."""
        common = {"Version": VERSION, "Action": action, "RegionId": self.region}
        if credentials.security_token:
            common["SecurityToken"] = credentials.security_token
        target, _string_to_sign = rpc_signature_composer.get_signed_url(
            {**common, **parameters}, credentials.access_key_id, credentials.access_key_secret, "JSON", "POST", {}
        )
        return str(target)


class Halt:
    """Collects faults of the deployment, and stops the operations that they affect, each in one instance."""

    def __init__(self) -> None:
        self.findings: dict[tuple[str, str | None, str], Misconfigured] = {}
        """By operation, instance and code."""
        self._reasons: dict[tuple[str, str | None], Misconfigured] = {}

    def check(self, action: str, *instances: str | None) -> None:
        """Raises: Misconfigured: another request's call of the operation failed so. Each caller gets a new error."""
        for instance in instances:
            if (error := self._reasons.get((action, instance))) is not None:
                raise Misconfigured(error.code, error.text, request_id=error.request_id, setting=error.setting)

    def set(self, action: str, instance: str | None, error: Misconfigured) -> None:
        """Stop all further calls of the operation in the instance."""
        self._reasons[action, instance] = error.with_traceback(None)


class Listing(NamedTuple):
    """The modules of a product, None if the answer has no list; `moment` is the API's clock (unix seconds), if known."""

    modules: Sequence[Module] | None
    moment: float | None = None


class Session:
    """Makes one request's API calls in an invocation: holds its keys, its deadline (clock seconds), its cost.

    `instance` is the one that the request itself names; without it, calls may be in the default instance.
    """

    def __init__(
        self,
        api: IotApi,
        credentials: Callable[[], Credentials],
        deadline: float,
        halt: Halt,
        *,
        usage: Usage | None = None,
        instance: str | None = None,
    ) -> None:
        self.usage = usage or Usage()
        self.deadline = deadline
        self.clock = api.clock
        self.left = 0.0
        """When the last call left, in unix seconds."""
        self._api = api
        self._credentials = credentials
        self._halt = halt
        self._instance = instance

    def create(self, parameters: Mapping[str, str]) -> str | None:
        """Call CreateOTAModule; return the request id. Raises: CallError of every kind, OutOfTime."""
        body, _ = self._call(CREATE, parameters)
        return request_id(body)

    def update(self, parameters: Mapping[str, str]) -> str | None:
        """Call UpdateOTAModule; return the request id. Raises: CallError of every kind, OutOfTime."""
        body, _ = self._call(UPDATE, parameters)
        return request_id(body)

    def list_modules(self, parameters: Mapping[str, str]) -> Listing:
        """Call ListOTAModuleByProduct; return all modules of a product, with `default` if the API shows it.

        Raises: CallError of every kind, OutOfTime. Refused: there is no such product, or no such instance.
        """
        try:
            body, answer = self._call(LIST, parameters)
        except Refused as error:
            if names_place(error):
                raise
            # The call holds nothing else that could be refused for good.
            raise Transient(error.code, error.text, request_id=error.request_id) from None
        return Listing(read_modules(body.get("data")), unix_seconds(answer.headers.get("date") or ""))

    @property
    def is_over(self) -> bool:
        """Tell whether no time is left for a call."""
        return self.deadline - self.clock.now() < SHORTEST_WAIT

    def sleep(self, seconds: float, doing: str) -> None:
        """Wait. Raises: OutOfTime: at once, if the deadline comes first."""
        if self.clock.now() + seconds >= self.deadline:
            raise OutOfTime(doing)
        self.clock.sleep(seconds)

    def _call(self, action: str, parameters: Mapping[str, str]) -> tuple[Mapping[str, object], Answer]:
        try:
            try:
                return self.attempt(action, parameters)
            except Misconfigured as error:
                if not may_pass(error):
                    raise
                return self.attempt(action, parameters)
        except Misconfigured as error:
            raise self._judge(action, parameters.get("IotInstanceId"), error) from None

    def _judge(self, action: str, instance: str | None, error: Misconfigured) -> CallError:
        """Record a fault of the deployment for all requests, unless this one names an instance that does not exist."""
        if names_no_instance(error):
            if self._instance is not None:
                return Refused(error.code, error.text, request_id=error.request_id)
            if instance is None:
                text = "the request names no instance, and no default is set"
                return Refused(error.code, text, request_id=error.request_id)
            error.setting = "OTA_IOT_INSTANCE_ID"
            self._halt.set(action, None, error)  # a request that names it itself is refused alone
        elif is_general(error):
            if is_expired(error):
                error.setting, error.text = "ALIBABA_CLOUD_SECURITY_TOKEN", EXPIRED
            self._halt.set(action, instance, error)
        self._halt.findings.setdefault((action, instance, error.code), error)
        return error

    def _left(self, action: str) -> float:
        seconds = self.deadline - self.clock.now()
        if seconds < SHORTEST_WAIT:
            raise OutOfTime(action)
        return seconds

    def _take_slot(self, action: str) -> None:
        """Wait for a slot; if reconnecting delays the call past it, wait for another."""
        self._api.transport.open(self._left(action))
        while True:
            with self._api.span(WAIT, None):
                self.usage.waited += self._api.quota.wait(action, self.deadline)
            slot = self.clock.now()
            self._api.transport.open(self._left(action))
            if self.clock.now() - slot <= LATE:
                return

    def attempt(self, action: str, parameters: Mapping[str, str]) -> tuple[Mapping[str, object], Answer]:
        """Call once, inside the quota; return body and answer. Raises: CallError of every kind, OutOfTime."""
        instances = parameters.get("IotInstanceId"), self._instance
        self._halt.check(action, *instances)
        keys = self._credentials()
        if not keys.access_key_id:
            raise Misconfigured(
                "NoCredentials", "neither the context nor the variables hold keys: does the function have a role?"
            )
        self._take_slot(action)
        reached("paced")
        self._halt.check(action, *instances)
        seconds = min(self._api.read_timeout, self._left(action))
        self.usage.calls += 1
        target = self._api.sign(action, parameters, keys)
        self.left = self.clock.wall()
        try:
            with self._api.span(action, None) as attributes:
                answer = self._api.transport.post(target, seconds)
                attributes["http.response.status_code"] = answer.status
            reached("answered")
            body = read_success(answer, keys.secrets)
        except Throttled as error:
            self.usage.throttles += 1
            self._api.quota.throttled(action, error.retry_after)
            raise
        except CallError as error:
            if not isinstance(error, Transient):
                self._api.quota.accepted(action)
            raise
        self._api.quota.accepted(action)
        return body, answer


def read_modules(data: object) -> list[Module] | None:
    """Read the modules in ListOTAModuleByProduct's Data: documented as an array, seen as an object, as
    {"OtaModuleDTO": […]} and as null, which may mean an empty product, but not for sure: None.

    Raises: Unanswered: it is none of these.
    """
    if isinstance(data, dict):
        fields = {str(name).lower(): value for name, value in data.items()}
        data = fields.get("otamoduledto", [] if not fields else [data])
    if isinstance(data, dict):
        data = [data]
    if data is None:
        return None
    if not isinstance(data, list):
        raise Unanswered("UnreadableData", f"Data is a {type(data).__name__}")
    return [_read_module(entry) for entry in data]


def _read_module(entry: object) -> Module:
    if not isinstance(entry, dict):
        raise Unanswered("UnreadableData", f"an entry of Data is a {type(entry).__name__}")
    fields = {str(name).lower(): "" if value is None else str(value) for name, value in entry.items()}
    if not fields.get("modulename"):
        raise Unanswered("UnreadableData", "an entry of Data has no ModuleName")
    return Module(
        fields["modulename"], fields.get("aliasname", ""), fields.get("desc", ""), fields.get("gmtcreate", "")
    )
