"""Takes one request after another to its outcome: ensure the module, publish, or give it up with a dead letter.

Nothing is said to be finished before its outcome was accepted; a crash anywhere repeats an outcome at worst.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

from handler.clock import Clock
from handler.errors import OtaModulesError, SinkError
from handler.faults import log_fault
from handler.invocation import Invocation, Limits
from handler.iot import Halt, IotApi, Session, Usage
from handler.messages import NOTHING, Invalid, Known, ModuleRequest
from handler.modules import Verdict, ensure
from handler.outcomes import Outcome, Result, Unfinished
from handler.results import dead_letter, decided, failed, faulty, interrupted
from handler.retry import Random
from handler.steps import reached


class Parts(NamedTuple):
    """What every attempt needs of the instance."""

    api: IotApi
    limits: Limits
    clock: Clock
    random: Random


class Attempts:
    """The requests of one invocation, each tried once; `gives_up`: those that have had all their attempts end as failed."""

    def __init__(self, parts: Parts, invocation: Invocation, deadline: float, *, gives_up: bool) -> None:
        self.usage = Usage()
        self._parts = parts
        self._limits = parts.limits
        self._invocation = invocation
        self._deadline = deadline
        self._gives_up = gives_up
        self._halt = Halt()
        self._lock = threading.Lock()

    def handle(self, request: ModuleRequest | Invalid) -> Result:
        """One request's result; never raises."""
        usage = Usage()
        known = _known(request)
        if isinstance(request, Invalid):
            result = self._guarded(request, known, lambda: self._published(Outcome.invalid(request)))
        else:
            result = self._guarded(request, known, lambda: self._ensured(request, usage))
            if isinstance(result, Unfinished) and self._is_over(request, result):
                left = result
                result = self._guarded(request, left.known, lambda: self._given_up(request, left))
        with self._lock:
            self.usage.add(usage)
        self._log(request, result, usage)
        return result

    def leave(self, request: ModuleRequest | Invalid, ahead: Unfinished) -> Unfinished:
        """What a request goes on as that is not tried, because one before it for the same module is not finished."""
        detail = f"{ahead.request.Id} is for the same module, and comes first"
        result = Unfinished(request, "order", detail, retry_after=ahead.retry_after, known=_known(request))
        self._log(request, result, Usage())
        return result

    def _guarded(self, request: ModuleRequest | Invalid, known: Known, step: Callable[[], Result]) -> Result:
        try:
            return step()
        except SinkError as error:
            return Unfinished(request, "sink", str(error), known=known)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one request must not cost the others
            log_fault(self._invocation.log, error, id=request.Id)
            return faulty(request, error, known)

    def _ensured(self, request: ModuleRequest, usage: Usage) -> Result:
        keys, instance = self._invocation.credentials, request.IotInstanceId
        session = Session(self._parts.api, keys, self._deadline, self._halt, usage=usage, instance=instance)
        placed = request.in_instance(self._limits.instance)
        verdict = ensure(placed, session, self._limits.on_existing, self._parts.random)
        if isinstance(verdict, Verdict):
            return self._guarded(request, verdict.known, lambda: self._published(decided(placed, verdict)))
        if not isinstance(verdict.error, OtaModulesError):
            log_fault(self._invocation.log, verdict.error, id=request.Id)
        return interrupted(request, verdict)

    def _published(self, outcome: Outcome) -> Outcome:
        self._invocation.sinks.publish(self._event(outcome), outcome.Status)
        reached("published")
        return outcome

    def _is_over(self, request: ModuleRequest, left: Unfinished) -> bool:
        """Whether a request that is not finished has had all its attempts, or its time."""
        if left.counts:
            return self._gives_up and request.Attempt >= self._limits.max_attempts
        return self._gives_up and request.Since is not None and self._age(request.Since) >= self._limits.max_age

    def _age(self, since: float) -> float:
        return self._parts.clock.wall() - since

    def _given_up(self, request: ModuleRequest, left: Unfinished) -> Outcome:
        """Dead-lettered first, so that the outcome is true once it is out."""
        if not left.counts and request.Since is not None:
            left = left._replace(detail=f"{left.detail} (for {self._age(request.Since):.0f} s)")
        outcome = failed(request.in_instance(self._limits.instance), left)
        self._invocation.sinks.dead_letter(dead_letter(left, self._event(outcome)))
        try:
            return self._published(outcome)
        except SinkError:
            # What the topic has not taken for so long is given up without it, as long as the letter is kept.
            if left.reason == "sink" and self._limits.has_dead_letters:
                return outcome
            raise

    def _event(self, outcome: Outcome) -> str:
        return outcome.event(self._invocation.source, self._parts.clock.wall())

    def _log(self, request: ModuleRequest | Invalid, result: Result, usage: Usage) -> None:
        """One line a request."""
        fields: dict[str, object] = {
            "id": request.Id,
            "product": request.ProductKey,
            "module": request.ModuleName,
            "attempt": request.Attempt,
            "calls": usage.calls,
            "throttles": usage.throttles,
            "quota_wait_s": usage.waited,
            "correlation": request.CorrelationId,
            "trace": request.traceparent,
        }
        log = self._invocation.log
        if isinstance(result, Unfinished):
            fields |= {"status": "unfinished", "reason": result.reason, "detail": result.detail}
            if result.reason == "misconfigured":
                log.error("request", **fields)
            else:
                log.warning("request", **fields)
            return
        fields |= {"status": result.Status, "reason": result.Code or result.why}
        if result.Status == "failed":
            log.error("request", **fields, detail=result.ErrorMessage)
        else:
            log.info("request", **fields)

    def log_findings(self) -> None:
        """What is wrong with the deployment, and where."""
        for operation, instance, error in self._halt.findings:
            self._invocation.log.error(
                "misconfigured",
                operation=operation,
                instance=instance,
                code=error.code,
                text=error.text,
                setting=error.setting,
            )


def _known(request: ModuleRequest | Invalid) -> Known:
    return request.known if isinstance(request, ModuleRequest) else NOTHING
