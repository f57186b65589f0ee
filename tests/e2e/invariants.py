"""What must hold after every run, checked from the local cloud's own records, never from the function's words.

I1  every request sent ends in an outcome, or in the dead-letter queue with its reason
I2  all outcomes of a request carry one id, and none says what is not so
I3  a module is created at most once, and no update is applied that was not asked for
I4  no more calls of one operation in any second than the limit, counted where the server sees them
I5  nothing is acknowledged before its outcome was accepted by the topic
I6  every invocation ends before its timeout, and nothing is left running behind it
I7  no secret in any log, outcome, error, page or dead letter
I8  a request that no fault is about ends as it would alone, in its first delivery, whatever happens to those beside it
I9  no delivery lengthens the queue: what goes back does so in no more messages than it came in
I10 every delivery gets on: one around which nothing is wrong finishes a request, or has used up an attempt of one; and a batch
    comes again only where the queue does not take something back
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from emulator.iot.products import Module, Product
from emulator.iot.service import ApiCall
from emulator.pulse import busiest_second
from emulator.records import Arrival, Deleted, Event, Invoked, Published, Sent
from tests.e2e.company import undisturbed
from tests.e2e.deliveries import gets_on, never_longer
from tests.e2e.evidence import Asked, Evidence, Key, key_of, name_of, numbered, read

SHARP = 6
ON_ITS_WAY = 0.5
"""Seconds that a call may spend in a socket after the process that made it is gone."""


def violations(evidence: Evidence) -> list[str]:
    """Everything that does not hold, in words; empty when all does."""
    told = Told(evidence)
    found = {
        check.__doc__: list(check(told))
        for check in (
            everything_ends,
            one_truth,
            made_once,
            within_quota,
            acknowledged_last,
            nothing_behind,
            no_secrets,
        )
    }
    found |= {check.__doc__: list(check(evidence)) for check in (undisturbed, never_longer, gets_on)}
    return [f"{name}: {problem}".replace(".:", ":") for name, problems in found.items() for problem in problems]


class Told:
    """The evidence, by request."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.outcomes: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for event in self.of(Published):
            outcome = read(event.body)
            self.outcomes[outcome["causationid"]].append(outcome)
        self.letters = {name for letter in evidence.letters for name in _ids_of(letter)}
        self.made = self._effects("CreateOTAModule")
        self.updated = self._effects("UpdateOTAModule")

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.evidence.events if isinstance(event, kind)]

    def module(self, products: Mapping[str, Product], key: Key) -> Module | None:
        product = products.get(key[1])
        return product.module(key[2]) if product and product.instance == key[0] else None

    @property
    def again(self) -> bool:
        """Whether something was delivered, or arrived, more than once."""
        struck = {"redeliver", "overlap", "duplicate", "twice", "kill", "drop", "reset", "refuse"}
        return bool(struck & self.evidence.struck) or any(event.error for event in self.of(Invoked))

    def _effects(self, operation: str) -> dict[Key, list[ApiCall]]:
        found: dict[Key, list[ApiCall]] = defaultdict(list)
        for call in self.evidence.calls:
            if call.operation == operation and call.success:
                found[key_of(call.parameters)].append(call)
        return found


def _ids_of(letter: Mapping[str, Any]) -> Iterator[str]:
    """Of whom a dead letter speaks, if it gives a reason: the function's own do, the stream's are events that never ended."""
    if "Reason" in letter:
        yield letter["Request"]["Id"]
        return
    body = letter.get("data", {}).get("messageBody", "")
    try:
        requests = json.loads(body)
    except ValueError:
        requests = []
    for number, request in enumerate(requests if isinstance(requests, list) else [requests], 1):
        default = f"{letter['id']}/{number}" if isinstance(requests, list) else letter["id"]
        yield request.get("Id", default) if isinstance(request, dict) else default


def everything_ends(told: Told) -> Iterator[str]:
    """I1."""
    for asked in told.evidence.asked:
        if asked.answered is not None and (asked.answered >= 500 or asked.answered == 429):
            yield f"the last that the sender of {asked.id} was told is {asked.answered}"
        if asked.id not in told.outcomes and asked.id not in told.letters:
            yield f"{asked.id} has neither an outcome nor a dead letter"


def one_truth(told: Told) -> Iterator[str]:
    """I2."""
    for name, outcomes in told.outcomes.items():
        ids = {outcome["id"] for outcome in outcomes}
        if len(ids) > 1:
            yield f"{name} has outcomes of {len(ids)} ids"
    for asked in told.evidence.asked:
        for outcome in told.outcomes.get(asked.id, ()):
            if problem := _untrue(asked, outcome["data"], told):
                yield f"{asked.id} is said to be {outcome['data']['Status']}, but {problem}"


def _untrue(asked: Asked, data: Mapping[str, Any], told: Told) -> str | None:
    status = data["Status"]
    if not asked.valid:
        return None if status == "rejected" else "it breaks the contract"
    if status == "failed":
        return None if asked.id in told.letters else "there is no dead letter"
    if status == "rejected":
        return _rejected(asked, told)
    after = told.module(told.evidence.after, asked.key)
    if after is None:
        return "the module is not there"
    if status == "created" and not told.made.get(asked.key):
        return "nobody created it"
    if status == "updated" and not (told.updated.get(asked.key) and asked.policy == "update"):
        return "no update was asked for and made"
    return None if told.updated.get(asked.key) or status == "updated" else _drift(asked, data, after)


def _rejected(asked: Asked, told: Told) -> str | None:
    if told.module(told.evidence.after, asked.key) is None:
        return None  # unknown product, ten modules, or refused: it was not made
    if asked.policy == "update":
        return None if not told.updated.get(asked.key) else "it was updated"
    if asked.policy != "fail":
        return "it is there, and that is no reason"
    before = told.module(told.evidence.before, asked.key)
    others = any(each.key == asked.key and each.id != asked.id for each in told.evidence.asked)
    # A request that comes again after a crash may truthfully be told that its module exists, though its own call made it.
    return None if before or others or told.again else "its own call made it"


def _drift(asked: Asked, data: Mapping[str, Any], found: Module) -> str | None:
    there = {"ModuleName": found.name, "AliasName": found.alias or "", "Desc": found.desc or ""}
    wanted = {name: asked.request.get(name) for name in there}
    drift = {
        name: {"Wanted": value, "Found": there[name]}
        for name, value in wanted.items()
        if value is not None and value != there[name]
    }
    said = data.get("Drift") or {}
    return None if said == drift else f"the drift is {drift}, not {said}"


def made_once(told: Told) -> Iterator[str]:
    """I3."""
    for key, calls in told.made.items():
        if len(calls) > 1 or told.module(told.evidence.before, key):
            yield f"{key} was created {len(calls)} times"
    wishes = [asked for asked in told.evidence.asked if asked.policy == "update"]
    for key, calls in told.updated.items():
        for call in calls:
            if not any(asked.key == key and _is_asked_by(call, asked) for asked in wishes):
                yield f"nobody asked for the update {dict(call.parameters)}"


def _is_asked_by(call: ApiCall, asked: Asked) -> bool:
    wanted = {name: asked.request[name] for name in ("AliasName", "Desc") if name in asked.request}
    return all(call.parameters.get(name) == value for name, value in wanted.items())


def within_quota(told: Told) -> Iterator[str]:
    """I4."""
    for operation, most in busiest_second(told.evidence.events).items():
        if most > told.evidence.limit:
            yield f"{most} calls of {operation} in one second"


def acknowledged_last(told: Told) -> Iterator[str]:
    """I5."""
    yield from _Acknowledgements(told.evidence.request_queue).unsettled(told.evidence.events)
    for asked in told.evidence.asked:
        if asked.answered is not None and asked.answered < 300 and asked.id not in told.outcomes:
            yield f"{asked.id} was answered {asked.answered} without an outcome"


class _Acknowledgements:
    """What each delivery has to show for it: an outcome, a dead letter, or its request put back in a later message."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._done: set[str] = set()
        self._latest: dict[str, str] = {}
        """The last message in which a request was sent."""
        self._waiting: dict[str, list[str]] = {}

    def unsettled(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield what was deleted from the request queue with nothing to show for it; events in their order."""
        for event in events:
            if isinstance(event, Published):
                self._done.add(read(event.body)["causationid"])
            elif isinstance(event, Sent):
                self._sent(event)
            elif isinstance(event, Deleted):
                yield from self._deleted(event)

    def _sent(self, event: Sent) -> None:
        body = read(event.body)
        if event.queue != self._queue:
            self._done.update(_ids_of(body))
            return
        names = [name_of(each, event.id, number) for number, each in numbered(body)]
        self._waiting[event.id] = names
        self._latest.update(dict.fromkeys(names, event.id))

    def _deleted(self, event: Deleted) -> Iterator[str]:
        for name in self._waiting.pop(event.id, ()):
            if name not in self._done and self._latest[name] == event.id:
                yield f"{name} was acknowledged with nothing to show for it"


def nothing_behind(told: Told) -> Iterator[str]:
    """I6."""
    runs = told.of(Invoked)
    for run in runs:
        # A process that was stopped cannot end in time.
        if "time out" in run.text and "pause" not in told.evidence.struck:
            yield f"invocation {run.request_id} of {run.function}: {run.text}"
    for arrival in told.of(Arrival):
        if arrival.service in ("iot", "smq") and not _during(arrival, runs):
            yield f"{arrival.operation} came when no function was running"


def _during(event: Arrival, runs: Iterable[Invoked]) -> bool:
    return any(run.began <= event.moment <= run.ended + ON_ITS_WAY for run in runs)


def no_secrets(told: Told) -> Iterator[str]:
    """I7."""
    evidence = told.evidence
    published = [read_text(event) for event in told.of(Published)]
    errors = [event.text for event in told.of(Invoked)]
    text = "\n".join([*evidence.lines, *published, json.dumps(evidence.letters), *evidence.pages, *errors])
    yield from (f"a secret is shown ({secret[:4]}…)" for secret in shown(evidence.secrets, text))


def shown(secrets: Sequence[str], text: str) -> set[str]:
    """The secrets that stand in a text, also as in a URL, once or twice encoded."""
    forms = {form: secret for secret in secrets for form in (secret, quote(secret, ""), quote(quote(secret, ""), ""))}
    beginnings = {form[:SHARP] for form in forms}
    # One look at each place, however many secrets there are.
    suspect = {text[place : place + SHARP] for place in range(len(text))} & beginnings
    return {secret for form, secret in forms.items() if form[:SHARP] in suspect and form in text}


def read_text(event: Event) -> str:
    return json.dumps(read(event.body)) if isinstance(event, Published) else ""
