"""The IoT API of the simulation: what a call that arrives comes to."""

import bisect
import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from handler.http1 import Answer
from handler.iot import CREATE, LIST
from tests.simulation.answers import DONE, EXPIRED, NO_INSTANCE, NO_PRODUCT, REFUSED, THROTTLED, UNREADABLE
from tests.simulation.calls import Sent
from tests.simulation.luck import Chance, Luck
from tests.simulation.modules import Account, Place, State
from tests.simulation.plan import Plan
from tests.simulation.records import LIMIT, Records
from tests.simulation.troubles import Troubles
from tests.support.scheduler import Scheduler

EPOCH = 1_750_000_000.0


@dataclass
class Cloud:
    """What all instances of the function call."""

    plan: Plan
    scheduler: Scheduler
    records: Records
    account: Account
    troubles: Troubles
    script: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """What happens to the next calls of an operation for a module, or for a product where it is a list."""
    luck: Luck = field(init=False)
    _accepted: dict[str, deque[float]] = field(default_factory=dict)
    _counts: Counter[tuple[Place, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._instances = {instance for instance, _ in self.account.products}
        chance = Random(f"tenant {self.plan.seed}")
        self.luck = Luck(self.plan.seed)
        calls = int(self.plan.tenant * min(self.plan.faulty, 3600.0))
        self._tenant = sorted(chance.uniform(0, self.plan.faulty) for _ in range(calls))

    def count(self, sent: Sent) -> int:
        """How many such calls there were for its product."""
        self._counts[sent.place, sent.action] += 1
        return self._counts[sent.place, sent.action]

    def scripted(self, sent: Sent) -> str:
        """What a script wants to happen to a call; "" where none says anything."""
        kinds = self.script.get((sent.action, sent.call.get("ModuleName", sent.place[1])))
        return kinds.pop(0) if kinds else ""

    def arrive(self, sent: Sent, chance: Chance) -> Answer:
        """A call takes its effect."""
        self.records.arrived(sent)
        if self._throttles(sent.action) or self.troubles.strike(self.plan.throttles, chance):
            return chance.choice(THROTTLED)
        if self.troubles.has_expired(sent.token):
            sent.invocation.disturbed = True
            return EXPIRED
        denial = self.troubles.denial(sent.action, sent.place[0])
        if denial is not None:
            return denial
        if sent.place[0] not in self._instances:
            return chance.choice(NO_INSTANCE)
        if self.troubles.strike(self.plan.refusals, chance):
            return self.refuse(sent, chance)
        if sent.place not in self.account.products:
            return chance.choice(NO_PRODUCT if sent.action == LIST else (*NO_PRODUCT, *REFUSED))
        if sent.action == LIST:
            return self._list(sent, chance)
        return self._create(sent, chance) if sent.action == CREATE else self._update(sent, chance)

    def refuse(self, sent: Sent, chance: Chance) -> Answer:
        return chance.choice(UNREADABLE if sent.action == LIST else REFUSED)

    def _throttles(self, action: str) -> bool:
        now = self.scheduler.time
        accepted = self._accepted.setdefault(action, deque())
        while accepted and accepted[0] <= now - 1:
            accepted.popleft()
        if len(accepted) + self._others(now) >= LIMIT:
            return True
        accepted.append(now)
        return False

    def _others(self, now: float) -> int:
        """Calls of the tenant in the last second."""
        tenant = self._tenant
        return bisect.bisect_right(tenant, now) - bisect.bisect_right(tenant, now - 1) if tenant else 0

    def _create(self, sent: Sent, chance: Chance) -> Answer:
        state = _state(self.scheduler.time, sent.call, sent)
        if not self.account.add(sent.place, sent.call["ModuleName"], state):
            return chance.choice(REFUSED)
        self.records.note("created", *sent.key)
        return DONE

    def _update(self, sent: Sent, chance: Chance) -> Answer:
        module = self.account.module(sent.key)
        if module is None:
            return chance.choice(REFUSED)
        self.records.updated(module, _state(self.scheduler.time, sent.call, sent))
        return DONE

    def _list(self, sent: Sent, chance: Chance) -> Answer:
        then = self.scheduler.time - chance.uniform(0, self.plan.lag)
        shown = [
            _shown(module.name, *module.at(then).fields, module.made)
            for module in self.account.products[sent.place].values()
            if module.made <= then
        ]
        if chance.random() < 0.8:
            shown.append(_shown("default", "", "", 0.0))
        forms = ("[%s]", '{"OtaModuleDTO": [%s]}', "[%s]" if shown else "null%s")
        data = chance.choice(forms) % ",".join(shown)
        return Answer(200, {}, f'{{"RequestId": "R", "Success": true, "Data": {data}}}'.encode())


def _state(now: float, call: Mapping[str, str], by: Sent) -> State:
    return State(now, call.get("AliasName", ""), call.get("Desc", ""), by)


@lru_cache(100_000)
def _shown(name: str, alias: str, desc: str, made: float) -> str:
    """A module as JSON, its age in one of the formats that have been seen."""
    iso = hash(made) % 2
    age = time.strftime("%Y-%m-%dT%H:%MZ" if iso else "%a, %d-%b-%Y %H:%M:%S GMT", time.gmtime(EPOCH + made))
    return json.dumps({"ModuleName": name, "AliasName": alias, "Desc": desc or None, "GmtCreate": age})
