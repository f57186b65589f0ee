"""The IoT API of the simulation: products, a quota, and all that can go wrong between a call and its answer."""

import bisect
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from urllib.parse import parse_qsl, urlsplit

from handler.connections import Answer
from handler.credentials import Credentials
from handler.errors import NotSent, Unanswered
from handler.iot import CREATE, LIST, UPDATE, IotApi
from tests.simulation.plan import Plan
from tests.simulation.records import LIMIT, Invocation, Module, Records, Sent, State
from tests.simulation.scheduler import Scheduler

EPOCH = 1_750_000_000.0
MOST_CUSTOM = 10
CONNECT_TIMEOUT = 3.0
PARAMETERS = ("Action", "ProductKey", "IotInstanceId", "ModuleName", "AliasName", "Desc")
LATE = 20.0
"""Seconds after which a call that was lost on its way takes its effect at the latest."""


class Unsigned(str):
    """The target of a call that holds its parameters as they are."""

    call: dict[str, str]


class CheapApi(IotApi):
    """Calls whose target is no URL and holds no signature: that would cost more than all the rest of a simulation."""

    def signed(self, action: str, parameters: Mapping[str, str], credentials: Credentials) -> str:
        target = Unsigned(action)
        target.call = {"Action": action, **parameters}
        return target


def parsed(target: str) -> dict[str, str]:
    """The parameters of a call, `Action` first, without those that every call has."""
    if isinstance(target, Unsigned):
        return target.call
    given = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    return {name: given[name] for name in PARAMETERS if name in given}


def answered(status: int, headers: Mapping[str, str] | None = None, **body: object) -> Answer:
    return Answer(status, headers or {}, json.dumps({"RequestId": "R", **body}).encode())


DONE = answered(200, Success=True)
BUSY = (
    answered(503, Code="ServiceUnavailable", Message="later"),
    answered(500, Code="InternalError", Message="later"),
    answered(200, Success=False, Code="iot.system.SystemException", ErrorMessage="system exception"),
    Answer(502, {}, b"<html>Bad Gateway</html>"),
    Answer(504, {}, b""),
    Answer(503, {}, b""),
    answered(500, Code="Odd.Failure", Message="odd"),
    Answer(200, {}, b'{"RequestId": "R", "Succ'),
)
THROTTLED = (
    answered(400, {"x-acs-retry-after": "300"}, Code="Throttling.User", Message="slow down"),
    answered(429, Code="Throttling"),
    answered(503, {"x-acs-retry-after": "-5"}, Code="Throttling.Api", Message="slow down"),
    answered(400, {"x-acs-retry-after": "99999999"}, Code="Throttling.User", Message="slow down"),
)
MISCONFIGURED = (
    answered(403, Code="Forbidden.RAM", Message="not authorized"),
    answered(404, Code="InvalidAccessKeyId.NotFound", Message="no such key"),
    answered(400, Code="InvalidSecurityToken.Expired", Message="expired"),
    answered(200, Success=False, Code="iot.common.InvalidTenant", ErrorMessage="tenant"),
)
REFUSED = tuple(
    answered(200, Success=False, Code=code, ErrorMessage="no")
    for code in ("iot.ota.NameExists", "iot.system.ParameterException", "iot.ota.LimitExceeded", "iot.common.Odd", "")
)


@dataclass
class Cloud:
    """What all instances call; the only one who knows what is true."""

    plan: Plan
    scheduler: Scheduler
    records: Records
    products: dict[str, dict[str, Module]]
    random: Random = field(init=False)
    _accepted: dict[str, deque[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(f"cloud {self.plan.seed}")
        self._tenant = [
            self.random.uniform(0, self.plan.faulty) for _ in range(int(self.plan.tenant * self.plan.faulty))
        ]
        self._tenant.sort()
        self._wrong = self._window(self.plan.misconfigured)
        self._down = self._window(self.plan.outage)

    def _window(self, part: float) -> tuple[float, float]:
        length = part * self.plan.faulty
        begin = self.random.uniform(0, self.plan.spread + 5)
        return begin, min(begin + length, self.plan.faulty)

    @property
    def troubled(self) -> bool:
        return self.scheduler.time < self.plan.faulty

    def chance(self, rate: float) -> bool:
        """Whether a trouble of that rate happens now."""
        return rate > 0 and self.troubled and self.random.random() < rate

    def within(self, window: tuple[float, float]) -> bool:
        return window[0] <= self.scheduler.time < window[1]

    @property
    def down(self) -> bool:
        return self.within(self._down)

    def arrive(self, sent: Sent) -> Answer:
        """A call takes its effect."""
        self.records.arrived(sent)
        if self._throttles(sent.action) or self.chance(self.plan.throttles):
            return self.random.choice(THROTTLED)
        if self.within(self._wrong):
            return self.random.choice(MISCONFIGURED)
        if sent.action != LIST and self.chance(self.plan.refusals):
            return self._refused()
        if sent.call["ProductKey"] not in self.products:
            return self._refused()
        return {CREATE: self._create, LIST: self._list, UPDATE: self._update}[sent.action](sent)

    def _throttles(self, action: str) -> bool:
        now = self.scheduler.time
        accepted = self._accepted.setdefault(action, deque())
        while accepted and accepted[0] <= now - 1:
            accepted.popleft()
        others = bisect.bisect_right(self._tenant, now) - bisect.bisect_right(self._tenant, now - 1)
        if len(accepted) + others >= LIMIT:
            return True
        accepted.append(now)
        return False

    def _refused(self) -> Answer:
        return self.random.choice(REFUSED)

    def _create(self, sent: Sent) -> Answer:
        product, name = sent.key
        if name in self.products[product] or len(self.products[product]) >= MOST_CUSTOM:
            return self._refused()
        self.add(sent.call, sent)
        return DONE

    def add(self, call: Mapping[str, str], maker: Sent | None) -> None:
        """A module comes to be."""
        now = self.scheduler.time
        state = State(now, call.get("AliasName", ""), call.get("Desc", ""))
        module = Module(call["ModuleName"], now, [state], maker)
        self.products[call["ProductKey"]][module.name.lower()] = module
        self.records.note("created", call["ProductKey"], module.name, "by", maker.who if maker else "somebody else")

    def _update(self, sent: Sent) -> Answer:
        product, name = sent.key
        if name not in self.products[product]:
            return self._refused()
        self.records.updated(self.products[product][name], sent)
        return DONE

    def _list(self, sent: Sent) -> Answer:
        then = self.scheduler.time - self.random.uniform(0, self.plan.lag)
        modules = self.products[sent.call["ProductKey"]].values()
        shown = [_shown(module.name, *module.at(then).fields, module.made) for module in modules if module.made <= then]
        if self.random.random() < 0.8:
            shown.append(_shown("default", "", "", 0.0))
        forms = ("[%s]", '{"OtaModuleDTO": [%s]}', "[%s]" if shown else "null%s")
        data = self.random.choice(forms) % ",".join(shown)
        return Answer(200, {}, f'{{"RequestId": "R", "Success": true, "Data": {data}}}'.encode())


@lru_cache(100_000)
def _shown(name: str, alias: str, desc: str, made: float) -> str:
    """A module as JSON, its age in one of the formats that have been seen."""
    iso = hash(made) % 2
    age = time.strftime("%Y-%m-%dT%H:%MZ" if iso else "%a, %d-%b-%Y %H:%M:%S GMT", time.gmtime(EPOCH + made))
    return json.dumps({"ModuleName": name, "AliasName": alias, "Desc": desc or None, "GmtCreate": age})


@dataclass(frozen=True)
class Network:
    """A transport of `handler.iot`: the way between one instance and the cloud."""

    cloud: Cloud
    invocation: Callable[[], Invocation]

    def open(self, seconds: float) -> None:
        cloud = self.cloud
        if cloud.chance(cloud.plan.connect_faults):
            cloud.scheduler.sleep(cloud.random.choice((0.001, min(CONNECT_TIMEOUT, seconds))))
            raise NotSent("NotConnected", "ConnectionRefusedError")

    def post(self, target: str, seconds: float) -> Answer:
        call = parsed(target)
        sent = Sent(self.invocation(), call["Action"], call)
        self.cloud.records.sent(sent)
        try:
            answer = self._travel(sent, seconds)
        except Unanswered:
            self.cloud.records.told(sent, "nothing")
            raise
        self.cloud.records.told(sent, _told(answer))
        return answer

    def _travel(self, sent: Sent, seconds: float) -> Answer:
        cloud, plan = self.cloud, self.cloud.plan
        before = plan.latency + cloud.random.uniform(0, plan.jitter)
        after = plan.latency * cloud.random.uniform(0.5, 2)
        if cloud.chance(plan.late_calls):
            sent.late = True
            when = cloud.scheduler.time + seconds + cloud.random.uniform(0, LATE)
            cloud.scheduler.at(when, lambda: _ignore(cloud.arrive(sent)))
            return self._silence(seconds)
        if cloud.down or cloud.chance(plan.call_faults):
            return self._fault(sent, before, after, seconds)
        self._wait(before, seconds)
        answer = cloud.arrive(sent)
        self._wait(after, seconds - before)
        return answer

    def _fault(self, sent: Sent, before: float, after: float, seconds: float) -> Answer:
        cloud = self.cloud
        kind = cloud.random.choice(("lost", "reset", "lost reply", "reset reply", "busy", "busy after", "slow"))
        if kind == "lost":
            return self._silence(seconds)
        self._wait(before, seconds)
        if kind in ("reset", "busy"):
            cloud.records.arrived(sent)
            answer = cloud.random.choice(BUSY)
        else:
            answer = cloud.arrive(sent)
        if kind == "lost reply":
            return self._silence(seconds - before)
        self._wait(after if kind != "slow" else cloud.random.uniform(0, 2 * seconds), seconds - before)
        if kind in ("reset", "reset reply"):
            raise Unanswered("NoAnswer", "ConnectionResetError")
        return cloud.random.choice(BUSY) if kind == "busy after" else answer

    def _wait(self, seconds: float, left: float) -> None:
        if seconds > left:
            self._silence(left)
        self.cloud.scheduler.sleep(seconds)

    def _silence(self, left: float) -> Answer:
        self.cloud.scheduler.sleep(max(left, 0.0))
        raise Unanswered("NoAnswer", "TimeoutError")


def _told(answer: Answer) -> str:
    if answer in BUSY:
        return "nothing"
    if b'"Success": true' in answer.body:
        return "done"
    return "throttled" if answer in THROTTLED else "misconfigured" if answer in MISCONFIGURED else "refused"


def _ignore(_answer: Answer) -> None: ...
