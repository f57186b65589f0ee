"""Handles one request: ensures its module, then publishes the outcome, or gives the request up with a dead letter.

A request counts as finished only once its outcome was accepted, so a crash at worst repeats an outcome.
"""

from collections.abc import Callable
from typing import NamedTuple

from handler.credentials import Credentials
from handler.errors import SinkError
from handler.iot import REQUEST, Attributes, Halt, IotApi, Session, Usage
from handler.log import Log
from handler.messages import Invalid, Known, ModuleRequest
from handler.modules import Verdict, ensure
from handler.outcomes import Outcome, Result, Unfinished, dead_letter
from handler.retry import Random
from handler.settings import Settings
from handler.smq import Outbox
from handler.steps import reached


class Invocation(NamedTuple):
    """One invocation: its keys, its deadline (clock seconds), its outbox, its log, its source."""

    credentials: Callable[[], Credentials]
    deadline: float
    outbox: Outbox
    log: Log
    source: str
    """The CloudEvents source: `/ota-modules/<region>/<function>`."""


class Attempts(NamedTuple):
    """Tries each request of an invocation once; `gives_up`: requests without attempts or time left end as failed."""

    api: IotApi
    settings: Settings
    random: Random
    invocation: Invocation
    gives_up: bool
    halt: Halt
    usages: list[Usage]
    """The cost of each request tried."""

    def handle(self, request: ModuleRequest | Invalid, ahead: Unfinished | None = None) -> Result:
        """Return a request's result; never raises. It is not tried if `ahead`, for the same module, is not finished."""
        usage = Usage()
        if ahead is not None:
            detail = f"{ahead.request.Id} is for the same module, and comes first"
            result: Result = Unfinished(request, "order", detail, retry_after=ahead.retry_after, known=request.known)
        else:
            with self.api.span(REQUEST, request.traceparent or "") as attributes:
                result = self._finish(request, usage)
                attributes.update(_describe(request, result))
            self.usages.append(usage)
        self._log(request, result, usage)
        return result

    def _finish(self, request: ModuleRequest | Invalid, usage: Usage) -> Result:
        result = self._try(request, usage)
        if isinstance(request, ModuleRequest) and isinstance(result, Unfinished) and self._is_over(request, result):
            unfinished = result
            try:
                result = self._give_up(request, unfinished)
            except Exception as error:  # noqa: BLE001 - as below
                result = self._unfinished(request, error, unfinished.known)
        return result

    def _try(self, request: ModuleRequest | Invalid, usage: Usage) -> Result:
        known = request.known
        try:
            if isinstance(request, Invalid):
                return self._publish(Outcome.invalid(request))
            keys, until, instance = self.invocation.credentials, self.invocation.deadline, request.IotInstanceId
            session = Session(self.api, keys, until, self.halt, usage=usage, instance=instance)
            placed = request.in_instance(self.settings.OTA_IOT_INSTANCE_ID)
            end = ensure(placed, session, self.settings.OTA_ON_EXISTING, self.random)
            known = end.known
            if isinstance(end, Verdict):
                return self._publish(_build_outcome(placed, end))
        except Exception as error:  # noqa: BLE001 - an internal error in one request must not affect the others
            return self._unfinished(request, error, known)
        return self._unfinished(request, end.error, known, counts=end.counts)

    def _unfinished(
        self, request: ModuleRequest | Invalid, error: Exception, known: Known, *, counts: bool = False
    ) -> Unfinished:
        result = Unfinished.of(request, error, known, counts=counts)
        if result.reason == "fault":
            self.invocation.log.fault(error, id=request.Id)
        return result

    def _publish(self, outcome: Outcome) -> Outcome:
        self.invocation.outbox.publish(self._write_event(outcome), outcome.Status)
        reached("published")
        return outcome

    def _write_event(self, outcome: Outcome) -> str:
        return outcome.event(self.invocation.source, self.api.clock.wall())

    def _is_over(self, request: ModuleRequest, unfinished: Unfinished) -> bool:
        """Tell whether an unfinished request has used up its attempts or its time."""
        if unfinished.counts:
            return self.gives_up and request.Attempt >= self.settings.OTA_MAX_ATTEMPTS
        return self.gives_up and self._age(request) >= self.settings.OTA_MAX_AGE

    def _age(self, request: ModuleRequest) -> float:
        """Return the seconds since a request was first put back."""
        return 0.0 if request.Since is None else self.api.clock.wall() - request.Since

    def _give_up(self, request: ModuleRequest, unfinished: Unfinished) -> Outcome:
        """Dead-letter a request, then publish that it failed: in this order, the outcome is true once it is out."""
        if not unfinished.counts:
            unfinished = unfinished._replace(detail=f"{unfinished.detail} (for {self._age(request):.0f} s)")
        outcome = Outcome.of(
            request.in_instance(self.settings.OTA_IOT_INSTANCE_ID),
            "failed",
            Code=unfinished.code or unfinished.reason,
            ErrorMessage=unfinished.detail,
            RequestId=unfinished.api_request_id,
        )
        self.invocation.outbox.dead_letter(dead_letter(request, unfinished, self._write_event(outcome)))
        try:
            return self._publish(outcome)
        except SinkError:
            # The topic has refused for so long that the request ends without it, if the dead letter is kept.
            if unfinished.reason == "sink" and self.settings.OTA_DEAD_LETTER_QUEUE is not None:
                return outcome
            raise

    def _log(self, request: ModuleRequest | Invalid, result: Result, usage: Usage) -> None:
        """Log one line for a request."""
        status, reason, detail = _end(result)
        fields = {
            "id": request.Id,
            "product": request.ProductKey,
            "module": request.ModuleName,
            "attempt": request.Attempt,
            "calls": usage.calls,
            "throttles": usage.throttles,
            "quota_wait_s": usage.waited,
            "correlation": request.CorrelationId,
            "trace": request.traceparent,
            "status": status,
            "reason": reason,
            "detail": detail,
        }
        if status == "failed" or reason == "misconfigured":
            self.invocation.log.error("request", **fields)
        elif status == "unfinished":
            self.invocation.log.warning("request", **fields)
        else:
            self.invocation.log.info("request", **fields)

    def log_findings(self) -> None:
        """Log each fault of the deployment, with operation and instance."""
        for (operation, instance, code), error in self.halt.findings.items():
            self.invocation.log.error(
                "misconfigured",
                operation=operation,
                instance=instance,
                code=code,
                text=error.text,
                setting=error.setting,
            )


def _end(result: Result) -> tuple[str, str | None, str | None]:
    """Return a request's status in this delivery, the reason and, for a failure, the details."""
    if isinstance(result, Unfinished):
        return "unfinished", result.reason, result.detail
    return result.Status, result.Code or result.why, result.ErrorMessage if result.Status == "failed" else None


def _describe(request: ModuleRequest | Invalid, result: Result) -> Attributes:
    """Describe a request and its result for its span."""
    status, reason, _ = _end(result)
    known: Attributes = {"ota.id": request.Id, "ota.product": request.ProductKey, "ota.module": request.ModuleName}
    failed: Attributes = {"error.type": reason} if status in ("unfinished", "failed") else {}
    return {**known, "ota.status": status, **failed}


def _build_outcome(request: ModuleRequest, verdict: Verdict) -> Outcome:
    """Turn a verdict into an outcome."""
    error = verdict.error
    return Outcome.of(
        request,
        verdict.status,
        why=verdict.why,
        Code=error and error.code,
        ErrorMessage=error and error.text,
        RequestId=verdict.request_id or (error and error.request_id),
        Drift=dict(verdict.drift),
    )
