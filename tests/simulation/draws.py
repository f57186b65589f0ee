"""The plans that are drawn by a seed; the tests draw by hypothesis from the same choices, which finds the simplest that fails."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from handler.iot import UPDATE
from tests.simulation.modules import GOOD, NONE, WRONG
from tests.simulation.plan import EVER, Plan

SHORT = 30.0
"""Seconds of a timeout in which a function finishes few requests."""
WITH_COMPANY = 1 / 5
"""Of the plans that are drawn: those in which each request is compared with itself alone."""
POLICIES = ("keep", "update", "fail")
Choices = Mapping[str, Sequence[Any]]
"""What each field of a plan is taken from, the simplest first; what stands there more than once is drawn more often."""


def rates(frequent: float, absent: int = 7) -> Sequence[float]:
    """A rate; most kinds of trouble are absent from a plan: where all happen at once, none gets far."""
    return (*[0.0] * absent, 0.1 * frequent, 0.3 * frequent, frequent)


CROWD: Choices = {
    "requests": (5, 10, 30, 100, 300),
    "products": (1, 3, 10, 40),
    "names": (1, 4, 12),
    "batch": (1, 10, 50, 100),
    "instances": (1, 1, 2),
    "spread": (0.0, 10.0, 60.0),
    "latency": (0.02, 0.1, 0.5, 1.0),
    "lateness": (0.0, 0.0, 0.02),
    "lag": (0.0, 0.0, 0.3, 0.8, 5.0),
    "call_faults": rates(0.3, 3),
    "late_calls": rates(0.1, 12),
    "connect_faults": rates(0.2, 12),
    "throttles": rates(0.2, 12),
    "refusals": rates(0.1, 12),
    "topic_faults": rates(0.3),
    "queue_faults": rates(0.1),
    "queue_parts": rates(0.5),
    "topic_outages": (0, 0, 0, 0, 1, 3),
    "queue_outages": (0, 0, 0, 0, 0, 1),
    "crashes": rates(0.5),
    "repeats": rates(0.3),
    "stream_crashes": rates(0.2, 12),
    "tenant": (0.0, 0.0, 0.0, 2.0, 5.0, 9.0),
    "denials": (0, 0, 0, 0, 1, 3),
    "expiries": (0, 0, 0, 0, 1, 3),
    "forbidden": (*[""] * 9, UPDATE),
    "outage": rates(0.3, 17),
    "colleague": rates(0.5, 12),
    "theirs": rates(0.5),
    "strangers": rates(0.1),
    "malformed": rates(0.1),
    "arrays": (16, 16, 1, 100),
    "replays": (0.0, 0.5),
    "timeout": (60.0, 10.0, 300.0),
    "max_attempts": (5, 2, 1),
    "max_age": (3600.0, 600.0),
    "visibility": (300.0, 30.0),
    "policy": POLICIES,
    "default": (NONE, NONE, GOOD, WRONG),
    "public": (True, True, True, True, False),
    "signed": (*[False] * 30, True),
    "store_gone": (*[False] * 9, True),
    "store_live": (*[False] * 9, True),
    "store_latency": (0.0005, 0.005, 0.05, 0.1),
    "store_slow": rates(0.1),
    "store_lost": rates(0.1),
    "store_outages": (0, 0, 0, 1, 3),
    "store_restarts": (0, 0, 0, 1, 3),
    "store_clock": (0.0, 0.0, 0.1, 3.0, 60.0),
}
"""Many requests, which may want the same modules, and troubles of every kind. A live store takes nearly twice the time."""
COMPANY: Choices = {
    "requests": (5, 20, 60),
    "apart": (True,),
    "batch": (10, 100),
    "spread": (0.0, 10.0),
    "faulty": (EVER,),
    "latency": (0.02, 0.2),
    "lag": (0.0, 0.0, 0.8),
    "call_faults": rates(0.3, 3),
    "refusals": rates(0.1),
    "topic_faults": rates(0.3),
    "forbidden": ("", "", UPDATE),
    "theirs": rates(0.5),
    "strangers": (0.0, 0.1, 0.3),
    "malformed": rates(0.2),
    "timeout": (300.0,),
    "max_attempts": (10, 2, 1),
    "max_age": (600.0, 3600.0),
    "policy": POLICIES,
    "default": (NONE, GOOD, WRONG),
    "public": (True, False),
}
"""Requests that have nothing to do with each other, and troubles that meet each as often as if it were alone."""


def drawn(seed: int) -> Plan:
    """A plan for a seed."""
    chance = Random(f"plan {seed}")
    choices = COMPANY if chance.random() < WITH_COMPANY else CROWD
    plan = Plan(seed, **{name: chance.choice(values) for name, values in choices.items()})
    if plan.timeout < SHORT:
        # What one delivery has no time for is delivered over and over again.
        plan = replace(plan, requests=min(plan.requests, 100), batch=min(plan.batch, 50))
    return replace(plan, instances=chance.choice((2, 3, 4))) if plan.store_always else plan
