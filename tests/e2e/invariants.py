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
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from emulator.iot.products import Module
from emulator.iot.service import ApiCall
from emulator.pulse import busiest_second
from emulator.records import Arrival, Deleted, Invoked, Published, Sent
from tests.e2e.company import undisturbed
from tests.e2e.deliveries import gets_on, never_longer
from tests.e2e.evidence import REQUESTS, Asked, Evidence, ids_in, module_of, read, requests_in

SHARP = 6
ON_ITS_WAY = 0.5
"""Seconds that a call may spend in a socket after the process that made it is gone."""


def violations(evidence: Evidence) -> list[str]:
    """Everything that does not hold, in words; empty when all does."""
    checks = [everything_ends, one_truth, made_once, within_quota, acknowledged_last, nothing_behind, no_secrets]
    checks += [undisturbed, never_longer, gets_on]
    return [f"I{number}: {problem}" for number, check in enumerate(checks, 1) for problem in check(evidence)]


def everything_ends(evidence: Evidence) -> Iterator[str]:
    """I1."""
    for asked in evidence.asked:
        if asked.answered is not None and (asked.answered >= 500 or asked.answered == 429):
            yield f"the last that the sender of {asked.id} was told is {asked.answered}"
        if asked.id not in evidence.outcomes and asked.id not in evidence.given_up:
            yield f"{asked.id} has neither an outcome nor a dead letter"


def one_truth(evidence: Evidence) -> Iterator[str]:
    """I2."""
    for name, outcomes in evidence.outcomes.items():
        ids = {outcome["id"] for outcome in outcomes}
        if len(ids) > 1:
            yield f"{name} has outcomes of {len(ids)} ids"
    for asked in evidence.asked:
        for outcome in evidence.outcomes.get(asked.id, ()):
            if problem := _untrue(asked, outcome["data"], evidence):
                yield f"{asked.id} is said to be {outcome['data']['Status']}, but {problem}"


def _untrue(asked: Asked, data: Mapping[str, Any], evidence: Evidence) -> str | None:
    status, after, updates = data["Status"], module_of(evidence.after, asked.key), evidence.updated.get(asked.key)
    if not asked.valid:
        return None if status == "rejected" else "it breaks the contract"
    if status == "failed":
        return None if asked.id in evidence.given_up else "there is no dead letter"
    if status == "rejected":
        # An unknown product, ten modules, or refused: it was not made.
        return _rejected(asked, evidence) if after else None
    if after is None:
        return "the module is not there"
    if status == "created" and asked.key not in evidence.created:
        return "nobody created it"
    if status == "updated":
        return None if updates and asked.policy == "update" else "no update was asked for and made"
    return None if updates else _drift(asked, data, after)


def _rejected(asked: Asked, evidence: Evidence) -> str | None:
    """What is wrong with a rejection where the module is there."""
    if asked.policy == "update":
        return "it was updated" if asked.key in evidence.updated else None
    if asked.policy != "fail":
        return "it is there, and that is no reason"
    others = any(each.key == asked.key and each.id != asked.id for each in evidence.asked)
    # A request that comes again after a crash may truthfully be told that its module exists, though its own call made it.
    explained = module_of(evidence.before, asked.key) or others or evidence.is_repeated
    return None if explained else "its own call made it"


def _drift(asked: Asked, data: Mapping[str, Any], module: Module) -> str | None:
    there = {"ModuleName": module.name, "AliasName": module.alias or "", "Desc": module.desc or ""}
    drift = {
        name: {"Wanted": asked.request[name], "Found": value}
        for name, value in there.items()
        if asked.request.get(name, value) != value
    }
    told = data.get("Drift") or {}
    return None if told == drift else f"the drift is {drift}, not {told}"


def made_once(evidence: Evidence) -> Iterator[str]:
    """I3."""
    for key, calls in evidence.created.items():
        if len(calls) > 1 or module_of(evidence.before, key):
            yield f"{key} was created {len(calls)} times"
    wishes = [asked for asked in evidence.asked if asked.policy == "update"]
    for key, calls in evidence.updated.items():
        for call in calls:
            if not any(asked.key == key and _is_asked_by(call, asked) for asked in wishes):
                yield f"nobody asked for the update {dict(call.parameters)}"


def _is_asked_by(call: ApiCall, asked: Asked) -> bool:
    wanted = {name: asked.request[name] for name in ("AliasName", "Desc") if name in asked.request}
    return wanted.items() <= call.parameters.items()


def within_quota(evidence: Evidence) -> Iterator[str]:
    """I4."""
    for operation, most in busiest_second(evidence.events).items():
        if most > evidence.limit:
            yield f"{most} calls of {operation} in one second"


def acknowledged_last(evidence: Evidence) -> Iterator[str]:
    """I5: an outcome, a dead letter, or the request in a later message."""
    done: set[str] = set()
    last_messages: dict[str, str] = {}
    for event in evidence.events:
        if isinstance(event, Published):
            done.add(read(event.body)["causationid"])
        elif isinstance(event, Sent) and event.queue == REQUESTS:
            last_messages.update((name, event.id) for name, _ in requests_in(event.id, event.body))
        elif isinstance(event, Sent):
            done.update(ids_in(read(event.body)))
        elif isinstance(event, Deleted):
            lost = [name for name, message in last_messages.items() if message == event.id and name not in done]
            yield from (f"{name} was acknowledged with nothing to show for it" for name in lost)
    for asked in evidence.asked:
        if asked.answered is not None and asked.answered < 300 and asked.id not in evidence.outcomes:
            yield f"{asked.id} was answered {asked.answered} without an outcome"


def nothing_behind(evidence: Evidence) -> Iterator[str]:
    """I6."""
    runs = evidence.of(Invoked)
    for run in runs:
        # A process that was stopped cannot end in time.
        if "time out" in run.text and "pause" not in evidence.struck:
            yield f"invocation {run.request_id} of {run.function}: {run.text}"
    for arrival in evidence.of(Arrival):
        is_during = any(run.began <= arrival.moment <= run.ended + ON_ITS_WAY for run in runs)
        if arrival.service in ("iot", "smq") and not is_during:
            yield f"{arrival.operation} came when no function was running"


def no_secrets(evidence: Evidence) -> Iterator[str]:
    """I7."""
    errors = [run.text for run in evidence.of(Invoked)]
    values = [json.dumps(value) for value in (evidence.letters, evidence.outcomes)]
    secrets = secrets_in("\n".join([*evidence.lines, *evidence.pages, *errors, *values]), evidence.secrets)
    yield from (f"a secret is shown ({secret[:4]}…)" for secret in secrets)


def secrets_in(text: str, secrets: Sequence[str]) -> set[str]:
    """The secrets that stand in a text, also as in a URL, once or twice encoded."""
    forms = {form: secret for secret in secrets for form in (secret, quote(secret, ""), quote(quote(secret, ""), ""))}
    beginnings = {form[:SHARP] for form in forms}
    # One look at each place, however many secrets there are.
    suspect = {text[place : place + SHARP] for place in range(len(text))} & beginnings
    return {secret for form, secret in forms.items() if form[:SHARP] in suspect and form in text}
