"""A pretended IoT API behind the function's transport: modules by product, and faults in the order given."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from handler.clock import Clock
from handler.credentials import Credentials
from handler.errors import CallError, NotSent, Unanswered
from handler.http1 import Answer
from handler.iot import Halt, IotApi, Session

Effect = Callable[[], Answer]
Fault = Callable[[Effect], Answer]
"""Takes the call's effect, to be had or not, and answers or raises."""


def answered(status: int = 200, headers: Mapping[str, str] | None = None, **body: object) -> Answer:
    return Answer(status, headers or {}, json.dumps({"RequestId": "R", **body}).encode())


def fault(result: Answer | CallError, *, after_effect: bool = False) -> Fault:
    """Answer a call so, or raise an error of this kind; the call has no effect unless that is asked for."""

    def happen(effect: Effect) -> Answer:
        if after_effect:
            effect()
        if isinstance(result, Answer):
            return result
        raise type(result)(result.code, result.text)

    return happen


refused_connection = fault(NotSent("NotConnected", "ConnectionRefusedError"))
lost_call = fault(Unanswered("NoAnswer", "TimeoutError"))
lost_reply = fault(Unanswered("NoAnswer", "ConnectionResetError"), after_effect=True)
busy = fault(answered(503, Code="ServiceUnavailable", Message="later"))
busy_after_effect = fault(
    answered(Success=False, Code="iot.system.SystemException", ErrorMessage="system exception"), after_effect=True
)
throttle = fault(answered(400, {"x-acs-retry-after": "100"}, Code="Throttling.User", Message="slow down"))
denied = fault(answered(403, Code="Forbidden.RAM", Message="not authorized"))


def fine(effect: Effect) -> Answer:
    return effect()


@dataclass
class FakeIot:
    """Products and their modules, as name -> fields; `faults` meet the calls in order, `after` runs behind each call."""

    products: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    created: str = "Wed, 20-Feb-2019 02:16:09 GMT"
    date: str | None = None
    after: Callable[[str], None] = lambda _action: None

    def open(self, _seconds: float) -> None: ...

    def post(self, target: str, _seconds: float) -> Answer:
        call = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        self.calls.append(call["Action"])
        happen = self.faults.popleft() if self.faults else fine
        try:
            return happen(lambda: getattr(self, call["Action"])(call))
        finally:
            self.after(call["Action"])

    def add(self, product: str, *names: str, alias: str = "", text: str = "") -> None:
        for name in names:
            fields = {"ModuleName": name, "AliasName": alias, "Desc": text, "GmtCreate": self.created}
            self.products.setdefault(product, {})[name.lower()] = fields

    def CreateOTAModule(self, call: Mapping[str, str]) -> Answer:  # noqa: N802 - the API's name
        modules = self.products.get(call["ProductKey"])
        if modules is None or call["ModuleName"].lower() in modules or len(modules) >= 10:
            return answered(Success=False, Code="iot.some.Code", ErrorMessage="no")
        self.add(call["ProductKey"], call["ModuleName"], alias=call.get("AliasName", ""), text=call.get("Desc", ""))
        return answered(Success=True)

    def UpdateOTAModule(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        module = self.products[call["ProductKey"]][call["ModuleName"].lower()]
        module.update(AliasName=call.get("AliasName", ""), Desc=call.get("Desc", ""))
        return answered(Success=True)

    def ListOTAModuleByProduct(self, call: Mapping[str, str]) -> Answer:  # noqa: N802
        if call["ProductKey"] not in self.products:
            return answered(Success=False, Code="iot.prod.NotExistedProduct", ErrorMessage="none")
        built_in = {"ModuleName": "default", "AliasName": "", "Desc": "", "GmtCreate": self.created}
        modules = [built_in, *self.products[call["ProductKey"]].values()]
        return answered(200, {"date": self.date} if self.date else None, Success=True, Data=modules)


class FreeQuota:
    """A quota without limit."""

    def wait(self, _operation: str, _deadline: float) -> float:
        return 0.0

    def throttled(self, _operation: str, _retry_after: float) -> None: ...

    def accepted(self, _operation: str) -> None: ...


class FakeClock:
    """A clock that stands still but for those who sleep."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.clock = Clock(lambda: self.time, lambda: self.time, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds


def session(iot: FakeIot, *, clock: FakeClock | None = None, seconds: float = 300.0) -> Session:
    """One request's use of the pretended API."""
    time = clock or FakeClock()
    api = IotApi("cn-shanghai", iot, FreeQuota(), time.clock, 10.0)
    return Session(api, lambda: Credentials("testid", "testsecret"), time.time + seconds, Halt())
