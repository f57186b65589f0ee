"""What shall go wrong: a plan of rules, seeded and printable, so that a run can be repeated."""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emulator.fc.runtime.steps import Step

Service = Literal["iot", "smq", "fc", "stream"]
Kind = Literal[
    "delay", "trickle", "headers-only", "half-open", "reset", "drop", "refuse", "close-idle",
    "status", "html", "empty", "huge", "unknown-code", "throttle", "full", "deny", "overdue",
    "twice", "neighbour", "expire", "revoke", "clock",
    "kill", "pause",
    "duplicate", "reorder", "redeliver", "overlap",
]  # fmt: skip

_ANSWERS = ("status", "html", "empty", "huge", "unknown-code", "throttle", "full", "deny")
ANSWERS = (*_ANSWERS, "overdue")
"""Another answer than the service's own."""
_WIRE = ("delay", "trickle", "headers-only", "half-open", "reset", "drop", "refuse", "close-idle")
PROCESS = ("kill", "pause")
"""What happens to a function at work."""
KINDS: dict[Service, tuple[str, ...]] = {
    "iot": (*_WIRE, *ANSWERS, *PROCESS, "twice", "neighbour", "expire", "revoke", "clock"),
    "smq": (*_WIRE, *_ANSWERS, *PROCESS, "twice", "expire", "revoke"),
    "fc": (*_WIRE, *PROCESS, "status", "html", "empty"),
    "stream": ("duplicate", "reorder", "redeliver", "overlap"),
}
STANDING = ("neighbour", "clock")
"""Kinds that hold for a time, whether somebody calls or not."""


class Rule(BaseModel):
    """One thing that goes wrong: where, when, and what. Times are in seconds, counted from when the rule was set.

    Where: `service`, and its `operation` (of the IoT API or SMQ; a function's name), the `instance` that a call of the IoT API
    names, and what the call must `contain`.
    When: from the `nth` matching call on, at most `times`, each with `probability`, between `since` and `until`.
    What: `kind`, and `after` the call had its effect instead of before, where nothing is done then.

    | kind | what happens |
    |---|---|
    | delay | the call waits `seconds`, then goes on |
    | trickle | the answer comes byte by byte, `seconds` apart |
    | headers-only | the answer's headers come, and nothing more |
    | half-open | the peer is gone without a word: nothing comes on this connection any more |
    | reset | the connection is reset |
    | drop | the connection is closed without an answer |
    | refuse | all connections are reset, and new ones refused for `seconds` |
    | close-idle | the connection is closed `seconds` after the answer, which did not say so |
    | status | `status` is answered, with `code` in the error's body |
    | html, empty, huge | `status`, with a page, with nothing, with 8 MiB |
    | unknown-code | an error that stands on no page |
    | throttle | too many calls, with `retry_after` as x-acs-retry-after where it is given |
    | full | the service's store takes no more |
    | deny | the caller may not: the role lacks the permission |
    | overdue | the account, or the `instance`, is in arrears |
    | twice | the call arrives a second time, as a retry below HTTP would send it |
    | neighbour | others of the account make `amount` calls of `operation` a second |
    | expire, revoke | the caller's temporary key is no longer good |
    | clock | the service's clock is `amount` seconds ahead |
    | kill, pause | what a function at work has SIGKILL, or SIGSTOP and `seconds` later SIGCONT, up to `within` seconds later |
    | kill at a `step` | the function's call that is struck has SIGKILL when it first gets there: receive (before anything), |
    | | validate (all is read), paced (an API call may leave), sent (it has, unanswered), answered, published, put back |
    | duplicate, reorder | a batch has every event twice, or in another order |
    | redeliver | a batch that succeeded is delivered once more |
    | overlap | a batch is delivered a second time while the first call still runs |
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: Service
    kind: Kind
    operation: str | None = None
    instance: Annotated[str | None, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")] = None
    contains: str | None = None
    nth: Annotated[int, Field(ge=1)] = 1
    times: Annotated[int | None, Field(ge=1)] = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    since: Annotated[float, Field(ge=0)] = 0.0
    until: Annotated[float | None, Field(gt=0)] = None
    after: bool = False
    seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    within: Annotated[float, Field(ge=0, le=600)] = 0.0
    step: Step | None = None
    status: Annotated[int, Field(ge=200, le=599)] = 503
    code: Annotated[str | None, Field(max_length=200, pattern=r"^[\x20-\x7e]*$")] = None
    retry_after: Annotated[str | None, Field(max_length=200, pattern=r"^[\x20-\x7e]*$")] = None
    amount: Annotated[float, Field(ge=-86_400, le=86_400)] = 5.0

    @model_validator(mode="after")
    def _possible(self) -> "Rule":
        if self.kind not in KINDS[self.service]:
            raise ValueError(f"{self.service} knows no {self.kind}; it knows {', '.join(KINDS[self.service])}")
        if self.instance is not None and self.service != "iot":
            raise ValueError("only calls of the service iot name an instance")
        if self.kind == "neighbour" and (self.operation is None or self.amount < 0):
            raise ValueError("a neighbour needs an operation, and an amount that is not negative")
        if self.step and ((self.service, self.kind) != ("fc", "kill") or self.within or self.after):
            raise ValueError("a step is for the kind kill of the service fc alone, without within and after")
        return self

    def matches(self, operation: str, text: str) -> bool:
        """Whether a call is one that the rule is about; `text` is all of it, readable."""
        named = self.instance is None or re.search(rf"\bIotInstanceId={re.escape(self.instance)}(&|$)", text)
        return bool(self.operation in (None, operation) and named and (self.contains is None or self.contains in text))

    def holds(self, age: float) -> bool:
        """Whether the rule is in force so many seconds after it was set."""
        return self.since <= age and (self.until is None or age < self.until)


class Plan(BaseModel):
    """Rules, and the seed of every draw they make."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    rules: Annotated[tuple[Rule, ...], Field(max_length=1_000)] = ()

    def shown(self) -> dict[str, Any]:
        """What `PUT /faults` takes; the seed is always there, so that a run can be repeated."""
        return {"seed": self.seed, **self.model_dump(mode="json", exclude_defaults=True)}

    def __str__(self) -> str:
        return json.dumps(self.shown())
