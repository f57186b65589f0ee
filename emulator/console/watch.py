"""Reads the state of the cloud five times a second, for all pages that are open."""

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from emulator.cloud import Cloud
from emulator.console.health import Health
from emulator.console.journal import Journal
from emulator.console.rates import EVERY, RECENT, Rates
from emulator.console.snapshot import limits, snapshot, stamp
from emulator.console.stories import Stories

_log = logging.getLogger(__name__)


class Watch:
    """What the page knows. It is looked at anew every 0.2 seconds while `running`."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.boot = secrets.token_hex(4)
        """Another one after a restart: what a page remembers is then out of date."""
        self.began = time.time()
        self.shift = time.time() - cloud.records.now()
        self.journal = Journal(cloud)
        self.stories = Stories(cloud, self.journal, self.shift)
        self.rates = Rates(cloud)
        self.health = Health(cloud, self.journal, self.rates, self.shift)
        self.ticks = 0
        self._read_at = -1
        self._state = ""
        self._ticked = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def next(self, seen: int) -> int:
        """Wait for a look after the one that was `seen`; its number."""
        async with self._ticked:
            await self._ticked.wait_for(lambda: self.ticks > seen)
        return self.ticks

    def state(self) -> str:
        """What the page shows beside outcomes and lines, as JSON; read once for all who watch."""
        if self._read_at != self.ticks:
            self._read_at = self.ticks
            self._state = json.dumps(self._describe(), ensure_ascii=False)
        return self._state

    def progress(self) -> dict[str, Any]:
        """How many outcomes came, all in all and in the last seconds; and the last error, with its time."""
        total = sum(self.journal.statuses.values())
        return {
            "outcomes": {"total": total, "recent": self.health.recent(), "seconds": RECENT},
            "lastError": self._last_error(),
            "health": self.health.shown(),
            "failures": {"failed": dict(self.rates.failures), "throttled": dict(self.rates.throttles)},
            "runs": self.journal.runs.shown(self.shift),
        }

    def _last_error(self) -> dict[str, object] | None:
        error = self.journal.last_error
        if error is None:
            return None
        return {"at": round(error.moment + self.shift, 3), "function": error.function, "text": error.text}

    def _describe(self) -> dict[str, Any]:
        return {
            **snapshot(self.cloud), "health": self.health.shown(), "runs": self.journal.runs.shown(self.shift),
            "limits": limits(self.cloud), "modules": stamp(self.cloud), "statuses": dict(self.journal.statuses),
            "faults": [each.as_json() for each in self.cloud.faults],
        }  # fmt: skip

    async def look(self) -> None:
        await self.journal.follow()
        self.rates.sample()
        async with self._ticked:
            self.ticks += 1
            self._ticked.notify_all()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - what cannot be shown must not end the showing
                _log.exception("the page could not look at the cloud")
            await asyncio.sleep(EVERY)
