"""One quota for many processes, through a store."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.table import Table, met
from tests.support.paths import ROOT
from tests.support.valkey_server import ValkeyServer

QPS = 9.0
SECONDS = 20.0


def shared() -> Table:
    """Processes that share one quota through Valkey."""
    seconds, rows = SECONDS, []
    folder = ROOT / "build" / "bench-valkey"
    folder.mkdir(parents=True, exist_ok=True)
    for count in (1, 2, 4, 8):
        server = ValkeyServer(folder)
        try:
            rows.append(_shared_row(_fleet(server.url, count, seconds), count, seconds))
        finally:
            server.kill()
    return Table(
        f"One quota for many: processes on one Valkey for {seconds:g} s",
        ("processes", "together, of OTA_QPS", "most in a second", "furthest from the fair part", "goal"),
        rows,
        "Goal: together at least 95 % of OTA_QPS, never over 10 in any second, each within 20 % of its fair part.",
    )


def _fleet(url: str, count: int, seconds: float) -> list[list[float]]:
    command = [sys.executable, "-m", "tests.support.quota_worker", url, "bench", str(QPS), str(QPS / count), "6"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    until = time.monotonic() + seconds
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{until}\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=seconds + 60)[0])["left"] for process in processes]


def _shared_row(left: Sequence[Sequence[float]], count: int, seconds: float) -> list[str]:
    every = sorted(moment for one in left for moment in one)
    most = max(
        sum(start <= other < start + 1 for other in every[place : place + 40]) for place, start in enumerate(every)
    )
    used = len(every) / (QPS * seconds)
    fair = len(every) / count
    off = max(abs(len(one) - fair) / fair for one in left)
    good = used >= 0.95 and most <= 10 and off <= 0.2
    return [str(count), f"{used:.1%}", str(most), f"{off:.0%}", met(good)]
