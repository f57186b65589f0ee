"""The way between an instance of the function and the API: a transport of `handler.iot` that loses, delays and breaks calls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from handler.credentials import Credentials
from handler.errors import NotSent, Unanswered
from handler.http1 import Answer
from handler.iot import LIST, IotApi
from tests.simulation.answers import BUSY, code_of, told
from tests.simulation.calls import Invocation, Sent
from tests.simulation.cloud import Cloud
from tests.simulation.luck import Chance

CONNECT_TIMEOUT = 3.0
PARAMETERS = ("Action", "ProductKey", "IotInstanceId", "ModuleName", "AliasName", "Desc")
LATE = 20.0
"""Seconds after which a call that was lost on its way takes its effect at the latest."""
FAULTS = ("lost", "reset", "lost reply", "reset reply", "busy", "busy after", "slow")


class Unsigned(str):
    """The target of a call that holds its parameters as they are."""

    call: dict[str, str]
    token: str


class CheapApi(IotApi):
    """Calls whose target is no URL and holds no signature: that would cost more than all the rest of a simulation."""

    def sign(self, action: str, parameters: Mapping[str, str], credentials: Credentials) -> str:
        target = Unsigned(action)
        target.call = {"Action": action, **parameters}
        target.token = credentials.security_token
        return target


def parsed(target: str) -> tuple[dict[str, str], str]:
    """The parameters of a call, `Action` first, without those that every call has; and its token."""
    if isinstance(target, Unsigned):
        return target.call, target.token
    given = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    return {name: given[name] for name in PARAMETERS if name in given}, given["SecurityToken"]


@dataclass(frozen=True)
class Network:
    """A transport between one instance of the function and the cloud. What happens to a call is decided by its product, its
    operation, and how many such calls there were before: never by other requests."""

    cloud: Cloud
    invocation: Callable[[], Invocation]

    def open(self, seconds: float) -> None:
        cloud = self.cloud
        if cloud.troubles.strike(cloud.plan.connect_faults):
            self.invocation().disturbed = True
            cloud.scheduler.sleep(min(0.001, seconds) if cloud.troubles.strike(0.5) else min(CONNECT_TIMEOUT, seconds))
            raise NotSent("NotConnected", "ConnectionRefusedError")

    def post(self, target: str, seconds: float) -> Answer:
        call, token = parsed(target)
        invocation = self.invocation()
        sent = Sent(invocation, call["Action"], call, token)
        invocation.calls[sent.key].append(sent)
        self.cloud.records.sent(sent)
        try:
            answer = self._travel(sent, self._chance(sent), seconds)
        except Unanswered:
            self.cloud.records.told(sent, "nothing")
            raise
        sent.code = code_of(answer)
        self.cloud.records.told(sent, told(answer, of_list=sent.action == LIST))
        return answer

    def _chance(self, sent: Sent) -> Chance:
        return self.cloud.luck.of(*sent.place, sent.action, self.cloud.count(sent))

    def _travel(self, sent: Sent, chance: Chance, seconds: float) -> Answer:
        cloud, plan, troubles = self.cloud, self.cloud.plan, self.cloud.troubles
        before = plan.latency + chance.uniform(0, plan.jitter)
        after = plan.latency * chance.uniform(0.5, 2)
        if scripted := cloud.scripted(sent):
            return self._fault(scripted, sent, chance, (before, after), seconds)
        if troubles.strike(plan.late_calls, chance):
            return self._late(sent, chance, seconds, chance.uniform(0, LATE))
        if troubles.api_is_down or troubles.strike(plan.call_faults, chance):
            return self._fault(chance.choice(FAULTS), sent, chance, (before, after), seconds)
        self._wait(before, seconds)
        answer = cloud.arrive(sent, chance)
        self._wait(after, seconds - before)
        return answer

    def _late(self, sent: Sent, chance: Chance, seconds: float, later: float) -> Answer:
        cloud = self.cloud
        sent.late = True
        when = cloud.scheduler.time + seconds + later
        cloud.scheduler.at(when, lambda: _ignore(cloud.arrive(sent, chance)))
        return self._silence(seconds)

    def _fault(self, kind: str, sent: Sent, chance: Chance, latency: tuple[float, float], seconds: float) -> Answer:
        """One of FAULTS happens to a call; or, if a script says so, `late`, `refused` or a fault of the function's own."""
        cloud, (before, after) = self.cloud, latency
        if kind == "late":
            return self._late(sent, chance, seconds, LATE)
        if kind == "lost":
            return self._silence(seconds)
        self._wait(before, seconds)
        if kind in ("reset", "busy", "refused", "bug"):
            cloud.records.arrived(sent)
            answer = cloud.refuse(sent, chance) if kind == "refused" else chance.choice(BUSY)
        else:
            answer = cloud.arrive(sent, chance)
        if kind == "bug":
            raise RuntimeError("an answer that nobody thought of")
        if kind == "lost reply":
            return self._silence(seconds - before)
        self._wait(after if kind != "slow" else chance.uniform(0, 2 * seconds), seconds - before)
        if kind in ("reset", "reset reply"):
            raise Unanswered("NoAnswer", "ConnectionResetError")
        return chance.choice(BUSY) if kind == "busy after" else answer

    def _wait(self, seconds: float, left: float) -> None:
        if seconds > left:
            self._silence(left)
        self.cloud.scheduler.sleep(seconds)

    def _silence(self, left: float) -> Answer:
        self.cloud.scheduler.sleep(max(left, 0.0))
        raise Unanswered("NoAnswer", "TimeoutError")


def _ignore(_answer: Answer) -> None: ...
