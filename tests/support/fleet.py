"""Instances that share a quota, here or as processes, and when their calls left.

    python -m tests.support.fleet URL RATE SHARE

is a process with six threads: it prints a line when it is ready, reads from standard input until when to call, by the monotonic
clock, which all processes of a machine share, and prints a JSON object: `left`, when each call left, and `overslept`, how many
sleeps ended so late that a slot may have been lost through the machine's fault.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from subprocess import PIPE
from typing import Any

from handler.clock import Clock
from handler.errors import OutOfTime
from handler.log import Log
from handler.pacing import CATCH_UP
from handler.quota import SharedQuota
from tests.support.departures import CALL, NEVER
from tests.support.paths import ROOT

RATE = 20.0
GONE, BACK = "the store is down", "the store is back"


class Watch:
    """The real clock, and what each thread last read from it: the instant at which its call left."""

    def __init__(self, tolerance: float) -> None:
        self.clock = Clock(now=self._now, sleep=self._sleep)
        self.overslept = 0
        self._tolerance = tolerance
        self._read = threading.local()

    @property
    def last(self) -> float:
        return float(self._read.now)

    def _now(self) -> float:
        self._read.now = time.monotonic()
        return self.last

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        time.sleep(seconds)
        self.overslept += time.monotonic() - until > self._tolerance


@dataclass
class Instance:
    """One function instance: a quota, and what was logged."""

    url: str
    rate: float = RATE
    share: float = RATE / 2
    key: str = "key"
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch, log = Watch(CATCH_UP / self.rate), Log(write=self.lines.append)
        self.quota = SharedQuota(self.url, self.key, self.rate, self.share, self.watch.clock, log)

    def call(self, times: int = 1, operation: str = CALL, until: float = NEVER) -> list[float]:
        """Call so often, or until a deadline comes first; return when each call left."""
        left: list[float] = []
        with suppress(OutOfTime):
            while len(left) < times:
                self.quota.wait(operation, until)
                left.append(self.watch.last)
        return left


def run_processes(count: int, seconds: float, url: str, rate: float) -> Sequence[Any]:
    """Start processes that begin at once and share a rate, and return what they printed."""
    command = [sys.executable, "-m", "tests.support.fleet", url, str(rate), str(rate / count)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT))
            for _ in range(count)
        ]
        assert [process.stdout and process.stdout.readline() for process in processes] == ["ready\n"] * count
        until = f"{time.monotonic() + seconds}\n"
        pool = stack.enter_context(ThreadPoolExecutor(count))
        return [json.loads(line) for line, _ in pool.map(lambda each: each.communicate(until, timeout=60), processes)]


def main(url: str, rate: str, share: str) -> None:
    instance = Instance(url, float(rate), float(share))
    print("ready", flush=True)
    until = float(sys.stdin.readline())
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(instance.call, sys.maxsize, until=until) for _ in range(6)]
    left = [moment for thread in calls for moment in thread.result()]
    print(json.dumps({"left": left, "overslept": instance.watch.overslept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
