"""From deliveries to outcomes: the order of steps, readable from top to bottom.

take on what can be finished, put the rest back -> ensure each module and publish each outcome -> put back what is not finished ->
(the caller returns, which acknowledges).
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from handler.attempts import Attempts, Parts
from handler.batch import Batch, Item, take_on
from handler.clock import Clock
from handler.errors import NotFinished
from handler.invocation import Invocation, Limits
from handler.iot import IotApi, Usage
from handler.lanes import Handler, lanes, run
from handler.messages import ModuleRequest
from handler.outcomes import Outcome, Result, Unfinished
from handler.putting_back import Chain, Sender, chain, messages, whole_messages
from handler.retry import Random
from handler.steps import reached
from handler.threads import Pool
from handler.triggers import Delivery

__all__ = ["Invocation", "Limits", "Pipeline", "Report"]

MOST_REQUESTS = 2_000
"""Requests that one delivery takes on, whatever the quota: the smallest instance has 128 MB."""
PUT_BACK_SECONDS = 0.004
"""For putting one message back: a quarter of a millisecond of a whole processor was measured, and the smallest instance has a
tenth of one."""
PUT_BACK_IN_MARGIN = 250
"""Messages that go back within the deadline's margin; for each one beyond, the deadline comes earlier."""
MOST_REASONS = 5


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
    watch: Callable[[Handler], Handler] = lambda handler: handler
    """Stands between a request and its attempt; see `handler.tracing`."""

    def run(self, deliveries: Sequence[Delivery], invocation: Invocation) -> Report:
        """Finish every request of a batch, or put it back.

        Raises: NotFinished: there is no queue, or it did not take something back: so the whole batch must come again.
        """
        began = self.clock.now()
        batch = take_on(deliveries, self._most(invocation))
        _log_ignored(batch, invocation)
        reached("validate")
        sender = Sender(invocation, self.pool, self.clock, self.random)
        whole, more = whole_messages(batch.left, self.random)
        refused = sender.send(whole)
        if whole and not sender.has_sent:
            raise NotFinished(more, f"{len(whole)} messages were too many, and the queue did not take them back")
        attempts = self._attempts(invocation, batch.messages, gives_up=True)
        results, chains = self._handle(batch.items, attempts)
        left = sum(len(each.elements) for each in chains)
        back = [*refused, *messages(chains, batch.messages, self.random)]
        lost = 0 if not back or (self.limits.has_queue and sender.send_all(back)) else left + more
        report = _report(results, attempts, left + more - lost)
        self._log(report, batch, deliveries, attempts, invocation, began=began, lost=lost)
        if lost:
            raise NotFinished(lost, _reasons(results))
        return report

    def answer(self, delivery: Delivery, invocation: Invocation) -> list[Result]:
        """One result for each request of a body, in its order; what is not finished is the sender's to send again."""
        began = self.clock.now()
        batch = take_on([delivery], math.inf)
        _log_ignored(batch, invocation)
        reached("validate")
        attempts = self._attempts(invocation, 1, gives_up=False)
        results, _ = self._handle(batch.items, attempts)
        self._log(_report(results, attempts), batch, [delivery], attempts, invocation, began=began)
        return results

    def _most(self, invocation: Invocation) -> float:
        """Requests that this delivery can finish. Without a queue all must be tried, for none can be put back."""
        if not self.limits.has_queue:
            return math.inf
        return min(MOST_REQUESTS, self.limits.rate * (invocation.deadline - self.clock.now()))

    def _attempts(self, invocation: Invocation, count: int, *, gives_up: bool) -> Attempts:
        parts = Parts(self.api, self.limits, self.clock, self.random)
        early = max(0, count - PUT_BACK_IN_MARGIN) * PUT_BACK_SECONDS
        return Attempts(parts, invocation, invocation.deadline - early, gives_up=gives_up)

    def _handle(self, items: Sequence[Item], attempts: Attempts) -> tuple[list[Result], list[Chain]]:
        """The requests' results, in their order, and what is left of them."""
        results: dict[int, Result] = {}
        chains: list[Chain] = []
        now = self.clock.wall()
        watched = self.watch(attempts)

        def handle(lane: Sequence[Item]) -> None:
            left: list[tuple[Item, Unfinished]] = []
            for copies, result in run(lane, watched):
                results.update(dict.fromkeys((item.place for item in copies), result))
                if isinstance(result, Unfinished):
                    left.append((copies[0], result))
            if left:
                chains.append(chain(left, now))

        self.pool([partial(handle, lane) for lane in lanes(items, self.limits.instance)])
        return [results[item.place] for item in items], chains

    def _log(
        self,
        report: Report,
        batch: Batch,
        deliveries: Sequence[Delivery],
        attempts: Attempts,
        invocation: Invocation,
        *,
        began: float,
        lost: int = 0,
    ) -> None:
        """One line an invocation, and one for each thing that is wrong with the deployment."""
        attempts.log_findings()
        known = [each.published for each in deliveries if each.published is not None]
        since = [item.request.Since for item in batch.items if isinstance(item.request, ModuleRequest)]
        known += [each for each in since if each is not None]
        invocation.log.info(
            "summary",
            **report.summary(),
            lost=lost,
            calls=report.usage.calls,
            throttles=report.usage.throttles,
            quota_wait_s=report.usage.waited,
            duration_s=self.clock.now() - began,
            batch={"messages": len(deliveries), "requests": len(batch.items)},
            oldest_s=max(self.clock.wall() - min(known), 0.0) if known else None,
        )


def _log_ignored(batch: Batch, invocation: Invocation) -> None:
    for name, reason in batch.ignored:
        invocation.log.info("ignored", id=name, reason=reason)


def _report(results: Sequence[Result], attempts: Attempts, put_back: int = 0) -> Report:
    return Report([result for result in results if isinstance(result, Outcome)], attempts.usage, put_back)


def _reasons(results: Sequence[Result]) -> str:
    left = (result for result in results if isinstance(result, Unfinished))
    return "; ".join(sorted({f"{each.reason} ({each.detail})" for each in left})[:MOST_REASONS])
