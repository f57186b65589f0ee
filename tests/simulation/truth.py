"""I2  Every outcome is true at the moment at which the topic accepts it; a request's outcomes carry one id, which is another
only after a replay; and no two statuses share an id, unless a delivery was repeated that nobody remembers.

`created` is said only of a module that a call of this request made; `existing`, `updated`, `rejected` and `failed` only of what
the account, the API's answers to this very request, and the dead-letter queue show."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handler.iot import UPDATE
from tests.simulation.account import Account, Call, Module, State
from tests.simulation.messages import Entry
from tests.simulation.records import History, Records, identify, is_call_of
from tests.simulation.workload import Asked
from tests.support.scheduler import Violation

SKEW = 20 * 60.0 + 60.0
"""Seconds: clocks may be wrong by that much, and ages are shown in minutes."""
REPEATED = ("ProductKey", "ModuleName", "AliasName", "Desc")

Data = Mapping[str, Any]


@dataclass
class Truth:
    """Judges every outcome at the moment at which the topic accepts it."""

    records: Records
    account: Account
    _ids: dict[str, tuple[int, int]] = field(default_factory=dict)
    _names: dict[tuple[int, int], str] = field(default_factory=dict)
    _statuses: dict[str, str] = field(default_factory=dict)

    def publish(self, body: str, tag: str) -> None:
        """Raises: Violation."""
        number, event, invocation = self.records.find_request(body), json.loads(body), self.records.invocation
        data, history = event["data"], self.records.asked[number]
        self.records.note("published", event["causationid"], data["Status"], data.get("Code"))
        entries = invocation.entries.get(number, [])
        problem = self._check_identity(event, tag, history, entries) or self._check_data(history, data)
        if problem:
            raise Violation(f"I2: {event['causationid']} is said to be {data['Status']}, but {problem}")
        history.events.append(event)
        invocation.published.add(number)
        if history.asked.valid:  # one that was given up ends here; a copy of it in the same delivery begins anew
            self.records.doubts.pop(identify(invocation, history.asked), None)

    def _check_identity(self, event: dict[str, Any], tag: str, history: History, entries: list[Entry]) -> str | None:
        asked, data, name = history.asked, event["data"], event["causationid"]
        if not entries:
            return "it was not delivered"
        if self.records.names.get(name) != asked.number or (asked.valid and name != asked.id):
            return f"its id is {asked.id}"
        if tag != data["Status"] or event["type"] != f"ota.module.{tag}":
            return f"type and tag are {event['type']} and {tag}"
        if data["Attempts"] not in {entry.attempt for entry in entries}:
            return f"attempts are {data['Attempts']}, and {[entry.attempt for entry in entries]} were delivered"
        return self._check_event_id(event, history, {entry.replay for entry in entries})

    def _check_event_id(self, event: dict[str, Any], history: History, replays: set[int]) -> str | None:
        asked, name, status = history.asked, event["id"], event["data"]["Status"]
        if len(replays) > 1:
            return None
        mine = asked.number, min(replays)
        if self._ids.setdefault(name, mine) != mine:
            return f"the outcome's id is that of request {self._ids[name]}"
        if asked.valid and self._names.setdefault(mine, name) != name:
            return "an earlier outcome had another id"
        before, self._statuses[name] = self._statuses.get(name, status), status
        if before != status and not self._may_differ(history, before):
            return f"an outcome with the same id said {before}"
        return None

    def _may_differ(self, history: History, before: str) -> bool:
        """Whether a second outcome may truthfully differ from the first, because the first is not known, or not true any more.
        A refusal of which the function does not hear that the topic took it is no reason not to try again."""
        if history.repeated or history.letters or before == "rejected":
            return True
        module = self.account.module(history.asked.key)
        return module is not None and any(not _is_by(state, history) for state in module.states)

    def _check_data(self, history: History, data: Data) -> str | None:
        asked = history.asked
        if not asked.valid:
            return None if data["Status"] == "rejected" and data.get("Errors") else "it breaks the contract"
        if "Errors" in data or any(data.get(field) != asked.body.get(field) for field in REPEATED):
            return "it is another request, and a valid one"
        if data["Status"] == "failed":
            return self._check_failed(history, data)
        module = self.account.module(asked.key)
        if data["Status"] == "rejected":
            return self._check_rejected(history, data, module)
        if module is None:
            return "the module is not there"
        if data["Status"] == "existing":
            return self._check_existing(history, data, module)
        return (self._check_created if data["Status"] == "created" else self._check_updated)(history, module)

    def _check_failed(self, history: History, data: Data) -> str | None:
        plan, now = self.records.plan, self.records.scheduler.time
        since = history.since if history.since is not None else now
        if data["Attempts"] < plan.max_attempts and now - since < plan.max_age - SKEW / 2:
            return f"it was tried only {data['Attempts']} times in {now - since:.0f} s"
        replays = {entry.replay for entry in self.records.invocation.entries[history.asked.number]}
        return None if replays & history.letters else "it is not in the dead-letter queue"

    def _check_rejected(self, history: History, data: Data, module: Module | None) -> str | None:
        asked, code = history.asked, data.get("Code", "")
        calls = self.records.invocation.calls_for(asked.key)  # and of these, the lists and those with its alias
        mine = [call for call in calls if call.parameters.get("AliasName", asked.alias) == asked.alias]
        if code and code not in {call.code for call in mine}:
            return f"{code} was no answer to a call of its own"
        if any(call.heard == "no instance" for call in mine):
            return None
        if asked.key[:2] not in self.account.products:
            return None if any(call.heard == "refused" for call in mine) else "the API refused nothing"
        if asked.policy == "fail" and module is not None:
            return self._known_as_own(history, module)
        return self._check_refused(history, module, [call for call in mine if call.heard == "refused"])

    def _check_refused(self, history: History, module: Module | None, mine: list[Call]) -> str | None:
        """For a refusal that the list has to explain, or that came twice."""
        asked, lag = history.asked, self.records.plan.lag
        if not mine:
            return "the API refused nothing"
        last = max(call.arrived for call in mine)
        full = self.account.was_full(asked.key[:2], self.records.scheduler.time)
        if identify(self.records.invocation, asked) in self.records.doubts and module is None and not full:
            return "a call of its own may still make it"
        # After a second look a second later, a list shows everything that was there when the call was refused.
        if module is None or module.made > last - max(0.0, lag - 1):
            return None
        return None if asked.policy == "update" and mine[-1].action == UPDATE else "the module is there"

    def _check_existing(self, history: History, data: Data, module: Module) -> str | None:
        asked, drift = history.asked, data.get("Drift", {})
        if asked.policy == "fail":
            return "that had to be a rejection"
        if asked.policy == "update" and drift.keys() & {"AliasName", "Desc"}:
            return "it had to be updated"
        drifts = [_compare(asked, module, state) for state in self._list_states(module)]
        if drift not in drifts:
            return f"the drift was {drifts}, not {dict(drift)}"
        return self._known_as_own(history, module) or self._known_as_updated(history, module)

    def _known_as_own(self, history: History, module: Module) -> str | None:
        """A request that is delivered again may truthfully be told that its module exists although its own call made it, when
        nobody remembers that call (a crash, or the same message twice): the module is there, and nobody can tell who made
        it. In one unbroken line of deliveries its own call is known, and must count, unless somebody has changed the module
        since."""
        known = not history.repeated and len(module.states) == 1
        return "its own call made it" if known and _is_by(module.states[0], history) else None

    def _known_as_updated(self, history: History, module: Module) -> str | None:
        """The same of an update that the API has confirmed."""
        last, by = module.states[-1], module.states[-1].by
        if history.repeated or len(module.states) == 1 or by is None or by.heard != "done":
            return None
        mine = by.invocation in history.invocations and _as_wanted(history.asked, last)
        return "its own call updated it" if mine and not self._is_shared(history, by) else None

    def _is_shared(self, history: History, call: Call) -> bool:
        """Whether another request in the invocation asks for the same module: then the update may be that one's."""
        key = history.asked.key
        others = (self.records.asked[number].asked for number in call.invocation.entries)
        return sum(asked.valid and asked.key == key for asked in others) > 1

    def _check_updated(self, history: History, module: Module) -> str | None:
        asked = history.asked
        if asked.policy != "update":
            return "nobody asked for that"
        applied = [state for state in module.states[1:] if _as_wanted(asked, state)]
        if not applied:
            return "no such update was applied"
        # Once its update was accepted, that stays true, whatever others make of the module since.
        mine = any(state.by and state.by.invocation in history.invocations for state in applied)
        shown = mine or any(_as_wanted(asked, state) for state in self._list_states(module))
        return None if shown else "it never was as wanted"

    def _check_created(self, history: History, module: Module) -> str | None:
        if _is_by(module.states[0], history) or self._looks_made(history, module):
            return None
        age, by = self.records.scheduler.time - module.made, module.states[0].by
        return f"it was made {age:.0f} s ago by {'nobody of us' if by is None else dict(by.parameters)}"

    def _looks_made(self, history: History, module: Module) -> bool:
        """Whether nobody can tell the module from one that a lost call of this request made: it is as this one wanted it, and not
        older than the call, as far as clocks can tell. Where an update of its own made it so, a request that is delivered only
        once at a time remembers that."""
        if not history.doubts or module.made < min(history.doubts) - SKEW:
            return False
        first = _as_wanted(history.asked, module.states[0])
        return first or (history.repeated and any(_as_wanted(history.asked, state) for state in module.states))

    def _list_states(self, module: Module) -> list[State]:
        """What lists of the invocation may have shown."""
        return module.since(self.records.invocation.began - self.records.plan.lag)


def _as_wanted(asked: Asked, state: State) -> bool:
    return asked.alias in (None, state.alias) and asked.desc in (None, state.desc)


def _is_by(state: State, history: History) -> bool:
    """Whether a call of a request made a module so."""
    return state.by is not None and state.by.invocation in history.invocations and is_call_of(history.asked, state.by)


def _compare(asked: Asked, module: Module, state: State) -> dict[str, dict[str, str]]:
    there = {"ModuleName": module.name, "AliasName": state.alias, "Desc": state.desc}
    return {
        name: {"Wanted": asked.body[name], "Found": found}
        for name, found in there.items()
        if asked.body.get(name, found) != found
    }
