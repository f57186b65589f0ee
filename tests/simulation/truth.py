"""I2: whether an outcome says what is so, by what the cloud knows."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.records import History, Invocation, Module, Records, State
from tests.simulation.scheduler import Violation
from tests.simulation.workload import Asked

Products = Mapping[str, Mapping[str, Module]]
REPEATED = ("ProductKey", "ModuleName", "AliasName", "Desc")


class Truth:
    """Judges every outcome at the moment at which the topic accepts it."""

    def __init__(self, records: Records, products: Products) -> None:
        self._records = records
        self._products = products
        self._ids: dict[str, str] = {}

    def publish(self, invocation: Invocation, event: dict[str, Any], tag: str) -> None:
        """Raises: Violation."""
        name, data = event["causationid"], event["data"]
        self._records.note("published", name, data["Status"], data.get("Code"))
        history = self._records.asked[name]
        problem = self._identity(name, event, tag, history) or self._problem(history, data, invocation)
        if problem:
            raise Violation(f"I2: {name} is said to be {data['Status']}, but {problem}")
        history.events.append(event)

    def _identity(self, name: str, event: dict[str, Any], tag: str, history: History) -> str | None:
        if any(event["id"] != before["id"] for before in history.events):
            return "an earlier outcome had another id"
        if self._ids.setdefault(event["id"], name) != name:
            return f"the id is that of {self._ids[event['id']]}"
        if tag != event["data"]["Status"] or event["type"] != f"ota.module.{tag}":
            return f"type and tag are {event['type']} and {tag}"
        if not 1 <= event["data"]["Attempts"] <= 1 + history.put_backs:
            return f"attempts are {event['data']['Attempts']} after {history.put_backs} times put back"
        return None

    def _problem(self, history: History, data: Mapping[str, Any], invocation: Invocation) -> str | None:
        asked = history.asked
        if not asked.valid:
            return None if data["Status"] == "rejected" and data.get("Errors") else "it breaks the contract"
        if "Errors" in data or any(data.get(field) != asked.body.get(field) for field in REPEATED):
            return "it is another request, and a valid one"
        if data["Status"] == "failed":
            return self._failed(history, data)
        module = self._products.get(asked.key[0], {}).get(asked.key[1])
        if data["Status"] == "rejected":
            return self._rejected(history, module, invocation)
        if module is None:
            return "the module is not there"
        states = module.since(invocation.began - self._records.plan.lag)
        if data["Status"] == "existing":
            return self._known_as_own(history, module) or _existing(asked, module, states, data.get("Drift", {}))
        if data["Status"] == "updated":
            return self._updated(asked, states)
        return self._created(history, module)

    def _failed(self, history: History, data: Mapping[str, Any]) -> str | None:
        if data["Attempts"] < self._records.plan.max_attempts:
            return "it was not tried often enough"
        return None if history.letters else "it is not in the dead-letter queue"

    def _rejected(self, history: History, module: Module | None, invocation: Invocation) -> str | None:
        asked = history.asked
        refused = self._records.refusals.get((invocation.number, asked.key, asked.alias or ""))
        if module is None:
            if refused is None and asked.key[0] in self._products:
                return "the API refused nothing"
            return None
        if asked.policy == "fail":
            return self._known_as_own(history, module)
        if refused is None or module.made < refused:
            # What was made after the refusal was not there for it.
            return None if asked.policy == "update" and refused is not None else "the module is there"
        return None

    def _known_as_own(self, history: History, module: Module) -> str | None:
        """A request that is delivered again may truthfully be told that its module exists although its own call made it, when
        nobody remembers that call (a crash, or the same message twice): the module is there, and nobody can tell who made
        it. In one unbroken line of deliveries its own call is known, and must count, unless somebody has changed the module
        since."""
        known = not history.repeated and len(module.states) == 1
        return "its own call made it" if known and _made_by(history, module) else None

    def _updated(self, asked: Asked, states: list[State]) -> str | None:
        if asked.policy != "update":
            return "nobody asked for that"
        if not any(_fits(asked, sent.call) for sent in self._records.updates.get(asked.key, ())):
            return "no such update was applied"
        return None if any(_as_wanted(asked, state) for state in states) else "it never was as wanted"

    def _created(self, history: History, module: Module) -> str | None:
        if _made_by(history, module) or self._looks_made(history, module):
            return None
        return "it was made by " + ("nobody of us" if module.maker is None else f"the call {dict(module.maker.call)}")

    def _looks_made(self, history: History, module: Module) -> bool:
        """Whether the module was made by another, an update of this request's own made it what the request wanted to
        create, and a create call of its own got lost besides: all in a delivery that nobody remembers (a crash, or the same
        message twice). What is read back then is what was to be created, and says no more."""
        asked = history.asked
        if not history.repeated or self._updated(asked, module.states) is not None:
            return False
        return (asked.key, asked.alias or "") in self._records.unanswered


def _as_wanted(asked: Asked, state: State) -> bool:
    return asked.alias in (None, state.alias) and asked.desc in (None, state.desc)


def _fits(asked: Asked, call: Mapping[str, str]) -> bool:
    return asked.alias in (None, call.get("AliasName", "")) and asked.desc in (None, call.get("Desc", ""))


def _made_by(history: History, module: Module) -> bool:
    asked, maker = history.asked, module.maker
    return (
        maker is not None
        and maker.invocation in history.invocations
        and maker.call["ModuleName"] == asked.body["ModuleName"]
        and maker.call.get("AliasName") == asked.alias
        and maker.call.get("Desc") == asked.desc
    )


def _existing(asked: Asked, module: Module, states: list[State], said: Mapping[str, Any]) -> str | None:
    if asked.policy == "fail":
        return "that had to be a rejection"
    if asked.policy == "update" and said.keys() & {"AliasName", "Desc"}:
        return "it had to be updated"
    drifts = [_drift(asked, module, state) for state in states]
    return None if said in drifts else f"the drift was {drifts}, not {dict(said)}"


def _drift(asked: Asked, module: Module, state: State) -> dict[str, dict[str, str]]:
    there = {"ModuleName": module.name, "AliasName": state.alias, "Desc": state.desc}
    return {
        name: {"Wanted": asked.body[name], "Found": found}
        for name, found in there.items()
        if asked.body.get(name, found) != found
    }
