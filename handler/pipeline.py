"""Turns deliveries into outcomes, in these steps:

take on what can be finished, put the rest back -> ensure each module and publish each outcome -> put back what is not finished ->
(the caller returns, which acknowledges).
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, get_args

from handler.attempts import Attempts, Invocation
from handler.batch import Batch, Item, take_on
from handler.errors import NotFinished
from handler.iot import Halt, IotApi, Usage
from handler.lanes import group_by_module, run
from handler.outcomes import Outcome, Result, Status, Unfinished
from handler.putting_back import Chain, Sender, build_chain, build_messages, build_whole_messages
from handler.retry import Random
from handler.settings import Settings
from handler.steps import reached
from handler.threads import Pool
from handler.triggers import Delivery

MOST_REQUESTS = 2_000
"""Requests that one delivery takes on, whatever the quota: the smallest instance has 128 MB."""
PUT_BACK_SECONDS = 0.004
"""Seconds to put one message back: measured as 0.25 ms on a whole processor, and the smallest instance has a tenth of one."""
PUT_BACK_IN_MARGIN = 250
"""Messages that go back within the deadline's margin; each one more makes the deadline earlier."""
MOST_REASONS = 5


class Report(NamedTuple):
    """The results of an invocation's requests, in their order."""

    results: Sequence[Result]
    usages: Sequence[Usage]
    put_back: int = 0
    """Requests that will come again."""
    lost: int = 0
    """Requests that come again only with all of their batch."""

    @property
    def outcomes(self) -> Sequence[Outcome]:
        return [result for result in self.results if isinstance(result, Outcome)]

    def summary(self) -> dict[str, int]:
        """Count outcomes by status; `put_back` is the number that will come again."""
        counts = dict.fromkeys(get_args(Status), 0)
        for outcome in self.outcomes:
            counts[outcome.Status] += 1
        return {**counts, "put_back": self.put_back}

    def reasons(self) -> str:
        """List why requests are not finished."""
        left = (result for result in self.results if isinstance(result, Unfinished))
        return "; ".join(sorted({f"{each.reason} ({each.detail})" for each in left})[:MOST_REASONS])


class Pipeline(NamedTuple):
    """The steps, wired once per instance."""

    api: IotApi
    settings: Settings
    pool: Pool
    random: Random

    def run(self, deliveries: Sequence[Delivery], invocation: Invocation) -> Report:
        """Finish every request of a batch, or put it back.

        Raises: NotFinished: there is no queue, or it refused something, so the whole batch must come again.
        """
        began = self.api.clock.now()
        batch = _take_on(deliveries, self._most(invocation), invocation)
        sender = Sender(invocation.outbox, self.pool)
        whole, skipped = build_whole_messages(batch.left, self.random)
        refused = sender.send(whole)
        has_sent = len(refused) < len(whole)
        if whole and not has_sent:
            raise NotFinished(
                skipped, f"{len(whole)} messages did not fit into this delivery, and the queue refused them"
            )
        report, chains = self._handle(batch, invocation, gives_up=True)
        unfinished = sum(len(each.elements) for each in chains)
        back = [*refused, *build_messages(chains, len(batch.taken), self.random)]
        lost = 0 if not back or (self._has_queue and sender.send_all(back, has_sent=has_sent)) else unfinished + skipped
        report = report._replace(put_back=unfinished + skipped - lost, lost=lost)
        self._log(report, batch, invocation, began)
        if lost:
            raise NotFinished(lost, report.reasons())
        return report

    def answer(self, delivery: Delivery, invocation: Invocation) -> Sequence[Result]:
        """Return one result for each request of a body, in order; the sender must send unfinished ones again."""
        began = self.api.clock.now()
        batch = _take_on([delivery], math.inf, invocation)
        report, _ = self._handle(batch, invocation, gives_up=False)
        self._log(report, batch, invocation, began)
        return report.results

    @property
    def _has_queue(self) -> bool:
        return self.settings.OTA_REQUEST_QUEUE is not None

    def _most(self, invocation: Invocation) -> float:
        """Return how many requests this delivery can finish; without a queue all, since none can be put back."""
        if not self._has_queue:
            return math.inf
        return min(MOST_REQUESTS, self.settings.own_rate * (invocation.deadline - self.api.clock.now()))

    def _handle(self, batch: Batch, invocation: Invocation, *, gives_up: bool) -> tuple[Report, list[Chain]]:
        """Try each request; return the report, and the chains to put back."""
        early = max(0, len(batch.taken) - PUT_BACK_IN_MARGIN) * PUT_BACK_SECONDS
        invocation = invocation._replace(deadline=invocation.deadline - early)
        attempts = Attempts(self.api, self.settings, self.random, invocation, gives_up, Halt(), usages=[])
        now = self.api.clock.wall()
        ends: list[Sequence[tuple[Sequence[Item], Result]]] = []

        def handle(lane: Sequence[Item]) -> None:
            ends.append(list(run(lane, attempts.handle)))

        self.pool([partial(handle, lane) for lane in group_by_module(batch.items, self.settings.OTA_IOT_INSTANCE_ID)])
        attempts.log_findings()
        results = {item.place: result for end in ends for copies, result in end for item in copies}
        left = ([(copies[0], result) for copies, result in end if isinstance(result, Unfinished)] for end in ends)
        chains = [build_chain(unfinished, now) for unfinished in left if unfinished]
        return Report([results[item.place] for item in batch.items], attempts.usages), chains

    def _log(self, report: Report, batch: Batch, invocation: Invocation, began: float) -> None:
        """Log one line for an invocation."""
        oldest = batch.oldest()
        invocation.log.info(
            "summary",
            **report.summary(),
            lost=report.lost,
            calls=sum(usage.calls for usage in report.usages),
            throttles=sum(usage.throttles for usage in report.usages),
            quota_wait_s=sum(usage.waited for usage in report.usages),
            duration_s=self.api.clock.now() - began,
            batch={"messages": len(batch.taken) + len(batch.left), "requests": len(batch.items)},
            oldest_s=None if oldest is None else max(self.api.clock.wall() - oldest, 0.0),
        )


def _take_on(deliveries: Sequence[Delivery], most: float, invocation: Invocation) -> Batch:
    batch = take_on(deliveries, most)
    for name, reason in batch.ignored:
        invocation.log.info("ignored", id=name, reason=reason)
    reached("validate")
    return batch
