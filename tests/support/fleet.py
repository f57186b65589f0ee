"""Instances that share a quota, in threads of one process or as processes, and what they did and said.

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
from collections.abc import Iterable, Sequence
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
from tests.support.waiting import eventually

RATE = 20.0
GONE, BACK = "the store is down", "the store is back"


class Watch:
    """The real clock, which can be set `ahead` by seconds, and what each thread last read from it: when its call left."""

    def __init__(self, tolerance: float) -> None:
        self.clock = Clock(now=self._now, sleep=self._sleep)
        self.overslept, self.ahead = 0, 0.0
        self._tolerance = tolerance
        self._read = threading.local()

    @property
    def last(self) -> float:
        return float(self._read.now)

    def _now(self) -> float:
        self._read.now = time.monotonic() + self.ahead
        return self.last

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        time.sleep(seconds)
        self.overslept += time.monotonic() - until > self._tolerance


@dataclass
class Instance:
    """One function instance: a quota, threads that call one after another, and what was logged."""

    url: str
    rate: float = RATE
    share: float = RATE / 2
    key: str = "key"
    left: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch, log = Watch(CATCH_UP / self.rate), Log(write=self.lines.append)
        self.quota = SharedQuota(self.url, self.key, self.rate, self.share, self.watch.clock, log)

    def call(self, times: int = 1, operation: str = CALL) -> list[float]:
        """When each call left."""
        left: list[float] = []
        for _ in range(times):
            self.quota.wait(operation, NEVER)
            left.append(self.watch.last)
        return left

    def start(self, threads: int, until: float) -> list[threading.Thread]:
        started = [threading.Thread(target=self._work, args=(until,)) for _ in range(threads)]
        for thread in started:
            thread.start()
        return started

    def said(self, words: str) -> int:
        """Count the lines of the log that hold these words."""
        return sum(words in line for line in self.lines)

    def _work(self, until: float) -> None:
        """Calls, one after another, until the deadline comes first."""
        with suppress(OutOfTime):
            while True:
                self.quota.wait(CALL, until)
                self.left.append(self.watch.last)


class Fleet:
    """Two instances whose threads call until they are stopped."""

    def __init__(self, url: str) -> None:
        self.instances = [Instance(url), Instance(url)]

    def __enter__(self) -> "Fleet":
        until = time.monotonic() + 60  # far away; stopping makes the clock pass it
        self._threads = [thread for each in self.instances for thread in each.start(4, until)]
        return self

    def __exit__(self, *exc: object) -> None:
        self.skip(120)
        join(self._threads)

    @property
    def left(self) -> list[float]:
        return sorted(moment for each in self.instances for moment in list(each.left))

    def go_on(self) -> None:
        """Waits until each instance made five calls more."""
        since = time.monotonic()
        eventually(lambda: all(sum(moment >= since for moment in one.left) >= 5 for one in self.instances))

    def skip(self, seconds: float) -> None:
        """Lets the clocks of all jump ahead."""
        for one in self.instances:
            one.watch.ahead += seconds

    def all_said(self, words: str) -> bool:
        return all(each.said(words) for each in self.instances)


def join(threads: Iterable[threading.Thread]) -> None:
    for thread in threads:
        thread.join(30)


def run_processes(count: int, seconds: float, url: str, rate: float) -> Sequence[Any]:
    """What processes that begin at once and share a rate have printed."""
    command = [sys.executable, "-m", "tests.support.fleet", url, str(rate), str(rate / count)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT))
            for _ in range(count)
        ]
        assert [process.stdout and process.stdout.readline() for process in processes] == ["ready\n"] * count
        until = time.monotonic() + seconds
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{until}\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=60)[0]) for process in processes]


def main(url: str, rate: str, share: str) -> None:
    instance = Instance(url, float(rate), float(share))
    print("ready", flush=True)
    join(instance.start(6, float(sys.stdin.readline())))
    print(json.dumps({"left": instance.left, "overslept": instance.watch.overslept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
