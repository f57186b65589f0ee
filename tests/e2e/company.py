"""What becomes of requests that no fault is about, whatever it does to those beside them."""

from collections.abc import Iterator

from emulator.faults.plan import KINDS, Rule
from emulator.iot.products import CUSTOM_MODULES
from emulator.records import Invoked, Sent, Stall
from tests.e2e.evidence import REQUESTS, Asked, Evidence, requests_in

LAME = 0.3
"""Seconds for which the local cloud may stand still before its callers give up on it."""
IN_TIME = 3.0
"""Seconds after which a delivery of these tests may have to end."""
SINGLE = ("delay", "trickle", "headers-only", "half-open", "reset", "drop")
"""Kinds that harm the connection of one call, and no other."""


def undisturbed(evidence: Evidence) -> Iterator[str]:
    """I8."""
    if not is_calm(evidence):
        return
    concerned = {asked.key for asked in evidence.asked for rule in evidence.rules if _concerns(rule, asked)}
    others = {asked.id: asked for asked in evidence.asked if asked.key not in concerned}
    for asked in others.values():
        for status in evidence.statuses(asked.id) - (allowed := alone(asked, evidence)):
            yield f"{asked.id} is {status}, and {' or '.join(sorted(allowed))} alone"
    for sent in evidence.of(Sent):
        if _is_early(sent, evidence):
            names = [name for name, _ in requests_in(sent.id, sent.body) if name in others]
            yield from (f"{name} is put back for what is wrong with others" for name in names)


def is_calm(evidence: Evidence) -> bool:
    """Whether each fault met a call of the API by itself, and nobody was hindered."""
    stood = any(stall.ended - stall.began > LAME for stall in evidence.of(Stall))
    return not (stood or any(call.error for call in evidence.of(Invoked))) and all(
        rule.service == "iot" and (rule.kind in SINGLE or KINDS[rule.kind].sort == "answer") for rule in evidence.rules
    )


def _concerns(rule: Rule, asked: Asked) -> bool:
    """Whether a rule may have struck a call that a request needs."""
    text = "&".join(f"{name}={value}" for name, value in asked.request.items())
    needed = asked.valid and (rule.operation != "UpdateOTAModule" or asked.policy == "update")
    return needed and rule.matches(rule.operation or "", text)


def alone(asked: Asked, evidence: Evidence) -> set[str]:
    """What may be said of a request with which nothing is wrong but itself."""
    product = evidence.before.get(asked.key[1])
    if not asked.valid or product is None or product.instance != asked.key[0]:
        return {"rejected"}
    existing = {"keep": {"existing"}, "update": {"updated", "existing"}, "fail": {"rejected"}}[asked.policy]
    if product.module(asked.key[2]):
        return existing
    wanted = [each.key[2] for each in evidence.asked if each.key[:2] == asked.key[:2]]
    is_full = len({*wanted, *(module.name.casefold() for module in product.custom_modules)}) > CUSTOM_MODULES
    is_shared = wanted.count(asked.key[2]) > 1
    return {"created", *(existing if is_shared else ()), *({"rejected"} if is_full else ())}


def _is_early(sent: Sent, evidence: Evidence) -> bool:
    """Whether the function sent a message to the queue while it had time left."""
    if evidence.is_slowed or sent.queue != REQUESTS:
        return False
    return any(call.began <= sent.moment <= call.ended < call.began + IN_TIME for call in evidence.of(Invoked))
