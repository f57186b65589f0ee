"""The IoT API of the simulation, with the way there: a transport of `handler.iot` that loses, delays and breaks calls."""

import bisect
import json
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

from handler.errors import NotSent, Unanswered
from handler.http1 import Answer
from handler.iot import CREATE, LIST
from tests.simulation import answers
from tests.simulation.account import Account, Call, Place, State
from tests.simulation.plan import Plan
from tests.simulation.records import LIMIT, Records
from tests.simulation.troubles import Chance, Troubles
from tests.support.scheduler import Scheduler
from tests.support.virtual_time import EPOCH

CONNECT_TIMEOUT = 3.0
PARAMETERS = ("Action", "ProductKey", "IotInstanceId", "ModuleName", "AliasName", "Desc")
LATE = 20.0
"""Seconds after which a call that was lost on its way takes its effect at the latest."""
FAULTS = ("lost", "reset", "lost reply", "reset reply", "busy", "busy after", "slow")


class Unsigned(str):
    """The target of a call that holds its parameters as they are."""

    parameters: dict[str, str]
    token: str


def parse_target(target: str) -> tuple[dict[str, str], str]:
    """The parameters of a call, `Action` first, without those that every call has; and its token."""
    if isinstance(target, Unsigned):
        return target.parameters, target.token
    query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    return {name: query[name] for name in PARAMETERS if name in query}, query["SecurityToken"]


@dataclass
class Cloud:
    """What all instances of the function call. What happens to a call is decided by its product, its operation, and how many
    such calls there were before: never by other requests."""

    plan: Plan
    scheduler: Scheduler
    records: Records
    account: Account
    troubles: Troubles
    script: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """What happens to the next calls of an operation for a module, or for a product where it is a list."""
    _accepted: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _counts: Counter[tuple[Place, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._instances = {instance for instance, _ in self.account.products}
        chance = Random(f"tenant {self.plan.seed}")
        calls = int(self.plan.tenant * min(self.plan.faulty, 3600.0))
        self._tenant = sorted(chance.uniform(0, self.plan.faulty) for _ in range(calls))

    def open(self, seconds: float) -> None:
        if self.troubles.strike(self.plan.connect_faults):
            self.records.invocation.disturbed = True
            self.scheduler.sleep(min(0.001 if self.troubles.strike(0.5) else CONNECT_TIMEOUT, seconds))
            raise NotSent("NotConnected", "ConnectionRefusedError")

    def post(self, target: str, seconds: float) -> Answer:
        parameters, token = parse_target(target)
        invocation = self.records.invocation
        call = Call(invocation, parameters["Action"], parameters, token)
        invocation.calls[call.key].append(call)
        self.records.note_call(call)
        self._counts[call.place, call.action] += 1
        try:
            chance = Chance(self.plan.seed, *call.place, call.action, self._counts[call.place, call.action])
            answer = self._travel(call, chance, seconds)
        except Unanswered:
            self.records.note_answer(call, "nothing")
            raise
        call.code = answers.code_of(answer)
        self.records.note_answer(call, answers.kind_of(answer, of_list=call.action == LIST))
        return answer

    def _travel(self, call: Call, chance: Chance, seconds: float) -> Answer:
        plan, troubles = self.plan, self.troubles
        before = plan.latency + chance.uniform(0, plan.jitter)
        after = plan.latency * chance.uniform(0.5, 2)
        if script := self.script.get((call.action, call.parameters.get("ModuleName", call.place[1]))):
            return self._fault(script.pop(0), call, chance, (before, after), seconds)
        if troubles.strike(plan.late_calls, chance):
            self._arrive_late(call, chance, seconds, chance.uniform(0, LATE))
        if troubles.during(troubles.api_outages) or troubles.strike(plan.call_faults, chance):
            return self._fault(chance.choice(FAULTS), call, chance, (before, after), seconds)
        self._wait(before, seconds)
        answer = self._arrive(call, chance)
        self._wait(after, seconds - before)
        return answer

    def _fault(self, kind: str, call: Call, chance: Chance, latency: tuple[float, float], seconds: float) -> Answer:
        """One of FAULTS happens to a call; or, if a script says so, `late`, `refused` or a fault of the function's own."""
        before, after = latency
        if kind == "late":
            self._arrive_late(call, chance, seconds, LATE)
        if kind == "lost":
            self._fall_silent(seconds)
        self._wait(before, seconds)
        if kind in ("reset", "busy", "refused", "bug"):
            self.records.note_arrival(call)
            answer = self._refuse(call, chance) if kind == "refused" else chance.choice(answers.BUSY)
        else:
            answer = self._arrive(call, chance)
        if kind == "bug":
            raise RuntimeError("an answer that nobody thought of")
        if kind == "lost reply":
            self._fall_silent(seconds - before)
        self._wait(after if kind != "slow" else chance.uniform(0, 2 * seconds), seconds - before)
        if kind in ("reset", "reset reply"):
            raise Unanswered("NoAnswer", "ConnectionResetError")
        return chance.choice(answers.BUSY) if kind == "busy after" else answer

    def _arrive_late(self, call: Call, chance: Chance, seconds: float, later: float) -> NoReturn:
        def arrive() -> None:
            self._arrive(call, chance)

        call.late = True
        self.scheduler.at(self.scheduler.time + seconds + later, arrive)
        self._fall_silent(seconds)

    def _wait(self, seconds: float, left: float) -> None:
        if seconds > left:
            self._fall_silent(left)
        self.scheduler.sleep(seconds)

    def _fall_silent(self, left: float) -> NoReturn:
        self.scheduler.sleep(max(left, 0.0))
        raise Unanswered("NoAnswer", "TimeoutError")

    def _arrive(self, call: Call, chance: Chance) -> Answer:
        """A call takes its effect."""
        self.records.note_arrival(call)
        if self._throttles(call.action) or self.troubles.strike(self.plan.throttles, chance):
            return chance.choice(answers.THROTTLED)
        if self.troubles.has_expired(call.token):
            call.invocation.disturbed = True
            return answers.EXPIRED
        if (denial := self.troubles.denial(call.action, call.place[0])) is not None:
            return denial
        if call.place[0] not in self._instances:
            return chance.choice(answers.NO_INSTANCE)
        if self.troubles.strike(self.plan.refusals, chance):
            return self._refuse(call, chance)
        if call.place not in self.account.products:
            refusals = () if call.action == LIST else answers.REFUSED
            return chance.choice((*answers.NO_PRODUCT, *refusals))
        return self._list(call, chance) if call.action == LIST else self._change(call, chance)

    def _refuse(self, call: Call, chance: Chance) -> Answer:
        return chance.choice(answers.UNREADABLE if call.action == LIST else answers.REFUSED)

    def _throttles(self, action: str) -> bool:
        now, accepted, tenant = self.scheduler.time, self._accepted[action], self._tenant
        while accepted and accepted[0] <= now - 1:
            accepted.popleft()
        others = bisect.bisect_right(tenant, now) - bisect.bisect_right(tenant, now - 1) if tenant else 0
        if len(accepted) + others >= LIMIT:
            return True
        accepted.append(now)
        return False

    def _change(self, call: Call, chance: Chance) -> Answer:
        """Creates or updates a module."""
        parameters, module = call.parameters, self.account.module(call.key)
        state = State(self.scheduler.time, parameters.get("AliasName", ""), parameters.get("Desc", ""), call)
        if call.action == CREATE and self.account.add(call.place, parameters["ModuleName"], state):
            self.records.note("created", *call.key)
        elif call.action != CREATE and module is not None:
            self.records.update(module, state)
        else:
            return chance.choice(answers.REFUSED)
        return answers.DONE

    def _list(self, call: Call, chance: Chance) -> Answer:
        then = self.scheduler.time - chance.uniform(0, self.plan.lag)
        modules = [module for module in self.account.products[call.place].values() if module.made <= then]
        shown = [_render(module.name, module.at(then).alias, module.at(then).desc, module.made) for module in modules]
        if chance.random() < 0.8:
            shown.append(_render("default", "", "", 0.0))
        forms = ("[%s]", '{"OtaModuleDTO": [%s]}', "[%s]" if shown else "null%s")
        data = chance.choice(forms) % ",".join(shown)
        return Answer(200, {}, f'{{"RequestId": "R", "Success": true, "Data": {data}}}'.encode())


@lru_cache(100_000)
def _render(name: str, alias: str, desc: str, made: float) -> str:
    """A module as JSON, its age in one of the formats that have been seen."""
    iso = hash(made) % 2
    age = time.strftime("%Y-%m-%dT%H:%MZ" if iso else "%a, %d-%b-%Y %H:%M:%S GMT", time.gmtime(EPOCH + made))
    return json.dumps({"ModuleName": name, "AliasName": alias, "Desc": desc or None, "GmtCreate": age})
