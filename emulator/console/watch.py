"""Reads the state of the cloud five times a second, for all pages that are open."""

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator
from itertools import takewhile
from typing import Any

from emulator.cloud import Cloud
from emulator.console.journal import Journal
from emulator.console.rates import EVERY, RECENT, Rates
from emulator.console.snapshot import describe_cloud, describe_limits, stamp_modules
from emulator.console.stories import Stories

_log = logging.getLogger(__name__)


class Watch:
    """The page's knowledge, refreshed every 0.2 seconds while `running`."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.boot = secrets.token_hex(4)
        """Another one after a restart: what a page remembers is then out of date."""
        self.began = time.time()
        self.shift = time.time() - cloud.records.now()
        """Makes monotonic seconds unix ones."""
        self.journal = Journal(cloud)
        self.stories = Stories(cloud, self.journal, self.shift)
        self.rates = Rates(cloud)
        self.ticks = 0
        self._state = (-1, "")
        """The latest state, and the tick that it was read in."""
        self._ticked = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def wait_for_tick(self, seen: int) -> int:
        """Wait for a tick after the one that was `seen`; return its number."""
        async with self._ticked:
            await self._ticked.wait_for(lambda: self.ticks > seen)
        return self.ticks

    def state(self) -> str:
        """Return the JSON of what the page shows beside outcomes and lines; it is read once a tick for all pages."""
        if self._state[0] != self.ticks:
            faults = [active.as_json() for active in self.cloud.faults]
            more = {
                "limits": describe_limits(self.cloud),
                "modules": stamp_modules(self.cloud),
                "statuses": self.journal.statuses,
            }
            state = {**describe_cloud(self.cloud), **self._summarize(), **more, "faults": faults}
            self._state = self.ticks, json.dumps(state, ensure_ascii=False)
        return self._state[1]

    def describe_progress(self) -> dict[str, Any]:
        """Return the state of this moment, with the numbers of outcomes and failures since the start, for scripts."""
        error = self.journal.last_error
        at = round(error.moment + self.shift, 3) if error else None
        return {
            **describe_cloud(self.cloud),
            **self._summarize(),
            "outcomes": {"total": self.journal.statuses.total(), "recent": self._count_recent(), "seconds": RECENT},
            "lastError": {"at": at, "function": error.source, "text": error.text} if error else None,
            "failures": {"failed": self.rates.failures, "throttled": self.rates.throttles},
        }

    def _summarize(self) -> dict[str, Any]:
        return {"health": self._describe_health(), "runs": self.journal.runs.as_json(self.shift)}

    def _describe_health(self) -> dict[str, object]:
        """Describe health and progress; `left` is the number of seconds until the queue is empty, None if unknown."""
        smq, names = self.cloud.smq, self.cloud.template.outputs
        depths = smq.depths(names["RequestQueue"])
        waiting = depths.active + depths.inactive + depths.delayed
        rate = self._count_recent() / RECENT
        troubles = [trouble for trouble in (self.journal.last_error, self.rates.last_failure) if trouble]
        latest = max(troubles, key=lambda trouble: trouble.moment, default=None)
        return {
            "waiting": waiting, "inFlight": depths.inactive, "delayed": depths.delayed, "rate": round(rate, 1),
            "left": round(waiting / rate) if rate and waiting else None,
            "dead": smq.depths(names["DeadLetterQueue"]).active,
            "api": self.rates.describe_health(), "error": latest and latest.as_json(self.shift),
        }  # fmt: skip

    def _count_recent(self) -> int:
        """Count the outcomes of the last seconds."""
        since = self.cloud.records.now() - RECENT
        return sum(1 for _ in takewhile(lambda outcome: outcome.moment > since, reversed(self.journal.outcomes)))

    async def _refresh(self) -> None:
        await self.journal.read_new()
        self.rates.take_sample()
        async with self._ticked:
            self.ticks += 1
            self._ticked.notify_all()

    async def _run(self) -> None:
        while True:
            try:
                await self._refresh()
            except Exception:  # noqa: BLE001 - an error in one round must not end the others
                _log.exception("the page could not look at the cloud")
            await asyncio.sleep(EVERY)
