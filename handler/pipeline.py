"""From deliveries to outcomes: the order of steps, readable from top to bottom.

read -> ensure the module -> publish the outcome -> put back or dead-letter what is not finished -> (the caller returns, which
acknowledges). Nothing is acknowledged before its outcome was accepted; a crash anywhere repeats an outcome at worst.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from handler.clock import Clock
from handler.credentials import Credentials
from handler.errors import NotFinished, SinkError
from handler.iot import Halt, IotApi, Session, Usage
from handler.log import Log
from handler.messages import NOTHING, Invalid, Known, ModuleKey, ModuleRequest
from handler.modules import Verdict, ensure
from handler.outcomes import Outcome, Result, Unfinished
from handler.results import dead_letter, decided, failed, interrupted
from handler.retry import Random, put_back_delay
from handler.smq import LARGEST_BATCH, Message
from handler.steps import reached
from handler.threads import Pool
from handler.triggers import Delivery

PUT_BACK_SECONDS = 0.004
"""For leaving one request and putting it back: a quarter of a millisecond of a whole processor was measured, and the
smallest instance has a tenth of one."""
PUT_BACK_IN_MARGIN = 250
"""Requests that go back within the deadline's margin; for each one beyond, the deadline comes earlier."""


class Sinks(Protocol):
    """Where messages go; see `handler.smq.Outbox`."""

    def publish(self, body: str, tag: str) -> None: ...

    def dead_letter(self, body: str) -> None: ...

    def put_back(self, messages: Sequence[Message]) -> list[Message]: ...


class Limits(NamedTuple):
    """What the settings say about a request's life."""

    max_attempts: int
    on_existing: str
    instance: str | None
    has_queue: bool


class Invocation(NamedTuple):
    """What belongs to one invocation: its keys, its deadline (clock seconds), its sinks, its log, its source."""

    credentials: Callable[[], Credentials]
    deadline: float
    sinks: Sinks
    log: Log
    source: str
    """The CloudEvents source: `/ota-modules/<region>/<function>`."""


class Report(NamedTuple):
    """What became of an invocation's requests; outcomes stand in the requests' order."""

    outcomes: Sequence[Outcome]
    usage: Usage
    put_back: int = 0

    def summary(self) -> dict[str, int]:
        """Counts by status; `put_back` is the number that will come again."""
        counts = dict.fromkeys(("created", "existing", "updated", "rejected", "failed"), 0)
        for outcome in self.outcomes:
            counts[outcome.Status] += 1
        return {**counts, "put_back": self.put_back}


class Pipeline(NamedTuple):
    """The steps, wired once per instance."""

    api: IotApi
    limits: Limits
    pool: Pool
    clock: Clock
    random: Random

    def run(self, deliveries: Sequence[Delivery], invocation: Invocation) -> Report:
        """Finish every request of a batch, or put it back.

        Raises: NotFinished: some could be neither finished nor put back, so the whole batch must come again.
        """
        batch = _Batch(self, invocation)
        results = batch.finish(_requests(deliveries, invocation.log), give_up=True)
        unfinished = list(dict.fromkeys(result for result in results if isinstance(result, Unfinished)))
        lost = batch.put_back(unfinished)
        report = Report(
            [result for result in results if isinstance(result, Outcome)], batch.usage, len(unfinished) - len(lost)
        )
        batch.log_summary(report, len(lost))
        if lost:
            raise NotFinished(len(lost), "; ".join(sorted({f"{each.reason} ({each.detail})" for each in lost})[:5]))
        return report

    def answer(self, delivery: Delivery, invocation: Invocation) -> list[Result]:
        """One result for each request of a body, in its order; what is not finished is the sender's to send again."""
        batch = _Batch(self, invocation)
        results = batch.finish(_requests([delivery], invocation.log), give_up=False)
        batch.log_summary(Report([each for each in results if isinstance(each, Outcome)], batch.usage), 0)
        return results


class _Batch:
    """The requests of one invocation, on their way to results."""

    def __init__(self, pipeline: Pipeline, invocation: Invocation) -> None:
        self.usage = Usage()
        self._pipeline = pipeline
        self._limits = pipeline.limits
        self._invocation = invocation
        self._halt = Halt()
        self._lock = threading.Lock()
        self._without_outcome = 0
        self._began = pipeline.clock.now()

    def finish(self, requests: Sequence[ModuleRequest | Invalid], *, give_up: bool) -> list[Result]:
        """Results in the order of the requests; with `give_up`, a request in its last attempt ends as failed."""
        results: dict[int, Result] = {}
        self._without_outcome = len(requests) if give_up else 0

        def task(places: Sequence[int]) -> Callable[[], None]:
            return lambda: self._lane(requests, places, results, give_up=give_up)

        self._pipeline.pool([task(places) for places in _lanes(requests, self._limits.instance)])
        return [results[place] for place in range(len(requests))]

    def _lane(
        self,
        requests: Sequence[ModuleRequest | Invalid],
        places: Sequence[int],
        results: dict[int, Result],
        *,
        give_up: bool,
    ) -> None:
        """Requests for one module, one after another."""
        for request, copies in _distinct(requests, places):
            results.update(dict.fromkeys(copies, self._safely(request, give_up=give_up)))

    def _safely(self, request: ModuleRequest | Invalid, *, give_up: bool) -> Result:
        try:
            return self._one(request, give_up=give_up)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one request must not cost the others
            self._invocation.log.error("fault", id=request.Id, error=type(error).__name__, text=error)
            theirs = isinstance(request, ModuleRequest) and request.Theirs
            return Unfinished(request, "fault", type(error).__name__, known=Known(True, theirs))

    def _one(self, request: ModuleRequest | Invalid, *, give_up: bool) -> Result:
        usage = Usage()
        if isinstance(request, Invalid):
            result = self._published(request, Outcome.invalid(request))
        else:
            result = self._valid(request, usage, give_up=give_up)
        self._account(request, result, usage)
        return result

    def _valid(self, request: ModuleRequest, usage: Usage, *, give_up: bool) -> Result:
        named = request.IotInstanceId is not None
        place = self._invocation
        session = Session(
            self._pipeline.api, place.credentials, self._deadline(), self._halt, usage=usage, names_instance=named
        )
        placed = request.in_instance(self._limits.instance)
        verdict = ensure(placed, session, self._limits.on_existing, self._pipeline.random)
        if isinstance(verdict, Verdict):
            return self._published(request, decided(placed, verdict), verdict.known)
        left = interrupted(request, verdict)
        last = left.reason != "misconfigured" and request.Attempt >= self._limits.max_attempts
        return self._failed(placed, left) if give_up and last else left

    def _deadline(self) -> float:
        """Early enough to put back all that has no outcome yet: what does not get back in time makes the whole batch come again,
        and a batch that is too large for one delivery would then never end."""
        beyond = max(0, self._without_outcome - PUT_BACK_IN_MARGIN)
        return self._invocation.deadline - beyond * PUT_BACK_SECONDS

    def _published(self, request: ModuleRequest | Invalid, outcome: Outcome, known: Known = NOTHING) -> Result:
        try:
            self._invocation.sinks.publish(self._event(outcome), outcome.Status)
            reached("published")
        except SinkError as error:
            return Unfinished(request, "sink", str(error), known=known)
        return outcome

    def _failed(self, placed: ModuleRequest, unfinished: Unfinished) -> Result:
        """Given up: dead-lettered first, so that the outcome is true once it is out."""
        outcome = failed(placed, unfinished)
        try:
            self._invocation.sinks.dead_letter(dead_letter(unfinished, self._event(outcome)))
        except SinkError as error:
            return Unfinished(unfinished.request, "sink", str(error), known=unfinished.known)
        return self._published(unfinished.request, outcome, unfinished.known)

    def _event(self, outcome: Outcome) -> str:
        return outcome.event(self._invocation.source, self._pipeline.clock.wall())

    def put_back(self, unfinished: Iterable[Unfinished]) -> list[Unfinished]:
        """Send requests to come again; returns those for which that is not possible."""
        again = list(unfinished)
        if not all(self._may_come_again(each) for each in again):
            # The whole batch will be delivered again, and whatever went back besides would come once more each time.
            return again
        lost: list[Unfinished] = []
        chunks = [again[start : start + LARGEST_BATCH] for start in range(0, len(again), LARGEST_BATCH)]

        def task(chunk: Sequence[Unfinished]) -> Callable[[], None]:
            return lambda: lost.extend(self._put_back(chunk))

        self._pipeline.pool([task(chunk) for chunk in chunks])
        return lost

    def _may_come_again(self, unfinished: Unfinished) -> bool:
        # What is wrong with the deployment costs no attempt: the platform keeps the batch until it is put right.
        valid = isinstance(unfinished.request, ModuleRequest)
        return valid and self._limits.has_queue and unfinished.reason != "misconfigured"

    def _put_back(self, chunk: Sequence[Unfinished]) -> list[Unfinished]:
        delays = [put_back_delay(each.request.Attempt, self._pipeline.random) for each in chunk]
        messages = [Message(each.again(), delay) for each, delay in zip(chunk, delays, strict=True)]
        try:
            refused = set(self._invocation.sinks.put_back(messages))
        except Exception as error:  # noqa: BLE001 - what is not surely put back must come again
            self._invocation.log.error("fault", error=type(error).__name__, text=error)
            return list(chunk)
        reached("put back")
        return [each for each, message in zip(chunk, messages, strict=True) if message in refused]

    def _account(self, request: ModuleRequest | Invalid, result: Result, usage: Usage) -> None:
        finished = isinstance(result, Outcome)
        with self._lock:
            self.usage.add(usage)
            self._without_outcome -= finished
        self._invocation.log.info(
            "request",
            id=request.Id,
            product=request.ProductKey,
            module=request.ModuleName,
            status=result.Status if isinstance(result, Outcome) else "unfinished",
            reason=(result.Code or result.why) if isinstance(result, Outcome) else result.reason,
            detail=None if finished else result.detail,  # type: ignore[union-attr]
            attempt=request.Attempt,
            calls=usage.calls,
            throttles=usage.throttles,
            waited=usage.waited,
            correlation=request.CorrelationId,
        )

    def log_summary(self, report: Report, lost: int) -> None:
        """One line an invocation."""
        self._invocation.log.info(
            "summary",
            **report.summary(),
            lost=lost,
            calls=self.usage.calls,
            throttles=self.usage.throttles,
            waited=self.usage.waited,
            seconds=self._pipeline.clock.now() - self._began,
        )


def _requests(deliveries: Iterable[Delivery], log: Log) -> list[ModuleRequest | Invalid]:
    requests: list[ModuleRequest | Invalid] = []
    for delivery in deliveries:
        contents = delivery.open()
        requests += contents.requests
        for reason in contents.ignored:
            log.info("ignored", id=delivery.id, reason=reason)
    reached("validate")
    return requests


def _lanes(requests: Sequence[ModuleRequest | Invalid], instance: str | None) -> list[list[int]]:
    """Places of the requests that must run one after another, because they mean the same module."""
    lanes: dict[ModuleKey | int, list[int]] = {}
    for place, request in enumerate(requests):
        key = request.in_instance(instance).key if isinstance(request, ModuleRequest) else place
        lanes.setdefault(key, []).append(place)
    return list(lanes.values())


def _distinct(
    requests: Sequence[ModuleRequest | Invalid], places: Sequence[int]
) -> Iterable[tuple[ModuleRequest | Invalid, Sequence[int]]]:
    """Each request once, with the places of its copies. One message delivered twice in a batch is one request, and so is one
    that two deliveries have put back: what either of them found out is known."""
    if len({requests[place].Id for place in places}) == len(places):
        return [(requests[place], [place]) for place in places]
    copies: dict[ModuleRequest | Invalid, list[int]] = {}
    for place in places:
        copies.setdefault(_as_sent(requests[place]), []).append(place)
    return [(_joined([requests[place] for place in same]), same) for same in copies.values()]


def _as_sent(request: ModuleRequest | Invalid) -> ModuleRequest | Invalid:
    """Without what deliveries have added."""
    own = {"Attempt": 1, **NOTHING._asdict()}
    return request.model_copy(update=own) if isinstance(request, ModuleRequest) else request


def _joined(copies: Sequence[ModuleRequest | Invalid]) -> ModuleRequest | Invalid:
    """One request that knows what its copies know."""
    first, *others = copies
    same = [copy for copy in copies if isinstance(copy, ModuleRequest)]
    if isinstance(first, Invalid) or not others:
        return first
    known = {name: any(getattr(copy, name) for copy in same) for name in Known._fields}
    return first.model_copy(update={**known, "Attempt": max(copy.Attempt for copy in same)})
