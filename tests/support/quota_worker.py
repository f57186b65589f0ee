"""One process among many that share a quota: calls until a given instant and prints when each call left.

    python -m tests.support.quota_worker URL KEY RATE SHARE THREADS

Prints a line when it is ready, then reads the instant from standard input: of the monotonic clock, which all processes
of a machine share. Prints a JSON object: `left`, the instants, and `overslept`, how many sleeps ended so late that a slot
may have been lost through the machine's fault.
"""

import json
import sys
import threading
import time
from dataclasses import asdict, dataclass

from handler.clock import Clock
from handler.errors import OutOfTime
from handler.log import Log
from handler.pacing import CATCH_UP, Quota
from handler.quota import SharedQuota


@dataclass(frozen=True)
class Result:
    """What a process prints."""

    left: list[float]
    overslept: int


class Watch:
    """The real clock, and what each thread last read from it: the instant at which its call left.

    It can be set `ahead`, and sleeps can be made to end `late`, by seconds.
    """

    def __init__(self, tolerance: float) -> None:
        self.clock = Clock(now=self._now, sleep=self._sleep)
        self.overslept = 0
        self.ahead = self.late = 0.0
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
        time.sleep(seconds + self.late)
        self.overslept += time.monotonic() - until > self._tolerance


def work(quota: Quota, watch: Watch, until: float, left: list[float]) -> None:
    """Calls, one after another, until the deadline comes first."""
    while True:
        try:
            quota.wait("CreateOTAModule", until)
        except OutOfTime:
            return
        left.append(watch.last)


def main() -> None:
    url, key, rate, share, threads = sys.argv[1:]
    watch = Watch(CATCH_UP / float(rate))
    log = Log(write=lambda line: print(line, file=sys.stderr))
    quota = SharedQuota(url, key, float(rate), float(share), watch.clock, log)
    print("ready", flush=True)
    until = float(sys.stdin.readline())
    left: list[float] = []
    workers = [threading.Thread(target=work, args=(quota, watch, until, left)) for _ in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps(asdict(Result(left, watch.overslept))))


if __name__ == "__main__":
    main()
