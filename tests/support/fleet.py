"""Instances that share a quota, in threads of one process or as processes, and what they did and said."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from handler.log import Log
from handler.pacing import CATCH_UP
from handler.quota import SharedQuota
from tests.support.departures import CALL, NEVER
from tests.support.paths import ROOT
from tests.support.quota_worker import Result, Watch, work
from tests.support.waiting import eventually

RATE = 20.0
GONE, BACK = "the store is gone", "the store is back"


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
        self.watch = Watch(CATCH_UP / self.rate)
        log = Log(write=self.lines.append)
        self.quota = SharedQuota(self.url, self.key, self.rate, self.share, self.watch.clock, log)

    def call(self, times: int = 1, operation: str = CALL) -> list[float]:
        """When each call left."""
        left: list[float] = []
        for _ in range(times):
            self.quota.wait(operation, NEVER)
            left.append(self.watch.last)
        return left

    def start(self, threads: int, until: float) -> list[threading.Thread]:
        started = [
            threading.Thread(target=work, args=(self.quota, self.watch, until, self.left)) for _ in range(threads)
        ]
        for thread in started:
            thread.start()
        return started

    def said(self, words: str) -> int:
        return sum(words in line for line in self.lines)


def fresh(left: Sequence[float], since: float) -> int:
    return sum(moment >= since for moment in left)


@dataclass
class Fleet:
    """Two instances whose threads call until they are stopped."""

    instances: list[Instance]

    def __enter__(self) -> "Fleet":
        # The deadline is far away; stopping makes the clock pass it.
        self._stop = time.monotonic() + 60
        self._threads = [thread for one in self.instances for thread in one.start(4, self._stop)]
        return self

    def __exit__(self, *exc: object) -> None:
        for one in self.instances:
            one.watch.ahead = 120.0
        for thread in self._threads:
            thread.join(30)

    @property
    def left(self) -> list[float]:
        return sorted(moment for one in self.instances for moment in list(one.left))

    def go_on(self) -> None:
        """Waits until each instance made five calls more."""
        since = time.monotonic()
        eventually(lambda: all(fresh(one.left, since) >= 5 for one in self.instances))

    def skip(self, seconds: float) -> None:
        """Lets the clocks of all jump ahead."""
        for one in self.instances:
            one.watch.ahead += seconds

    def all_said(self, words: str) -> bool:
        return all(one.said(words) for one in self.instances)


def a_fleet(url: str) -> Fleet:
    return Fleet([Instance(url), Instance(url)])


class Worker:
    """A process of `tests.support.quota_worker` with six threads."""

    def __init__(self, url: str, key: str, rate: float, share: float) -> None:
        arguments = [url, key, str(rate), str(share), "6"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.quota_worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def go(self, until: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{until}\n")
        self._process.stdin.flush()

    def result(self) -> Result:
        out, _ = self._process.communicate(timeout=60)
        return Result(**json.loads(out))
