"""Plans of faults: rules that say what fails, when and where; seeded and printable, so that a run can be repeated."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from emulator.fc.runtime.steps import Step

Service = Literal["iot", "smq", "fc", "stream"]
Sort = Literal["wire", "answer", "caller", "process", "standing", "batch"]
"""The target of a kind: the connection, the answer, the caller's key or number of calls, the function's process, the service
for as long as the rule holds, or the batches of an event stream."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its effect in words (upper case stands for a field of the rule), and the services that it is for."""

    help: str
    sort: Sort
    services: tuple[Service, ...]


_ALL: tuple[Service, ...] = ("iot", "smq", "fc")
_APIS: tuple[Service, ...] = ("iot", "smq")
KINDS: Mapping[str, Kind] = {
    "delay": Kind("the call waits SECONDS", "wire", _ALL),
    "trickle": Kind("the answer comes byte by byte, SECONDS apart", "wire", _ALL),
    "headers-only": Kind("only the answer's headers come", "wire", _ALL),
    "half-open": Kind("the connection goes silent", "wire", _ALL),
    "reset": Kind("the connection is reset", "wire", _ALL),
    "drop": Kind("the connection is closed without an answer", "wire", _ALL),
    "refuse": Kind("all connections are reset, and new ones refused for SECONDS", "wire", _ALL),
    "close-idle": Kind("the connection is closed SECONDS after the answer", "wire", _ALL),
    "status": Kind("answers STATUS, with CODE as the error code", "answer", _ALL),
    "html": Kind("answers STATUS with an HTML page", "answer", _ALL),
    "empty": Kind("answers STATUS with an empty body", "answer", _ALL),
    "huge": Kind("answers STATUS with 8 MiB", "answer", _APIS),
    "unknown-code": Kind("answers an undocumented error code", "answer", _APIS),
    "throttle": Kind("too many calls; RETRY_AFTER becomes the header x-acs-retry-after", "answer", _APIS),
    "deny": Kind("the caller lacks the permission for the operation", "answer", _APIS),
    "overdue": Kind("the account, or the INSTANCE, is in arrears", "answer", ("iot",)),
    "twice": Kind("the call arrives twice, as if retried below HTTP", "caller", _APIS),
    "expire": Kind("the caller's temporary key expires", "caller", _APIS),
    "revoke": Kind("the caller's temporary key is revoked", "caller", _APIS),
    "neighbour": Kind("others of the account make AMOUNT calls of OPERATION a second", "standing", ("iot",)),
    "clock": Kind("the service's clock is AMOUNT seconds ahead", "standing", ("iot",)),
    "hide-depths": Kind("GetQueueAttributes says 0 for the number of messages", "standing", ("smq",)),
    "kill": Kind(
        "SIGKILL to the busy instances, at a random moment within WITHIN seconds, or at STEP", "process", _ALL
    ),
    "pause": Kind("SIGSTOP to the busy instances, and SIGCONT after SECONDS", "process", _ALL),
    "duplicate": Kind("a batch has every event twice", "batch", ("stream",)),
    "reorder": Kind("a batch has its events in another order", "batch", ("stream",)),
    "redeliver": Kind("a batch that succeeded is delivered again", "batch", ("stream",)),
    "overlap": Kind("a batch is delivered again while the first call still runs", "batch", ("stream",)),
}


def kinds(service: Service, *sorts: Sort) -> frozenset[str]:
    """Return the kinds of a service, of these sorts."""
    return frozenset(name for name, kind in KINDS.items() if service in kind.services and kind.sort in sorts)


class Rule(BaseModel):
    """A fault: where, when and what. Times are in seconds, counted from when the rule was set.

    It strikes calls of a `service`: those of an `operation` (of the IoT API or SMQ; a function's name), that name an `instance`
    and `contain` a text; from the `nth` on, at most `times`, each with a `probability`, between `since` and `until`. With
    `after`, the call has its effect first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    service: Service
    kind: str
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

    @field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
        return kind

    @model_validator(mode="after")
    def _check_fields(self) -> "Rule":
        known = [name for name, kind in KINDS.items() if self.service in kind.services]
        if self.kind not in known:
            raise ValueError(f"{self.service} has no kind {self.kind}; it has {', '.join(known)}")
        if self.instance is not None and self.service != "iot":
            raise ValueError("instance is for the service iot only")
        if self.kind == "neighbour" and (self.operation is None or self.amount < 0):
            raise ValueError("the kind neighbour needs an operation, and an amount from 0")
        if self.step and ((self.service, self.kind) != ("fc", "kill") or self.within or self.after):
            raise ValueError("step is for the kind kill of the service fc only, without within and after")
        return self

    def matches(self, operation: str, text: str) -> bool:
        """Decide whether the rule is about a call; `text` is all of the call, decoded."""
        named = self.instance is None or re.search(rf"\bIotInstanceId={re.escape(self.instance)}(&|$)", text)
        return bool(self.operation in (None, operation) and named and (self.contains is None or self.contains in text))

    def holds(self, age: float) -> bool:
        """Decide whether the rule is in force `age` seconds after it was set."""
        return self.since <= age and (self.until is None or age < self.until)


class Plan(BaseModel):
    """Rules, and the seed of their draws."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    rules: Annotated[tuple[Rule, ...], Field(max_length=1_000)] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what `PUT /faults` takes, always with the seed."""
        return {"seed": self.seed, **self.model_dump(mode="json", exclude_defaults=True)}

    def __str__(self) -> str:
        return json.dumps(self.as_json())
