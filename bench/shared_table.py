"""One quota for many processes, through a store."""

from collections.abc import Sequence

from bench.table import Table, met
from tests.support.fleet import run_processes
from tests.support.paths import ROOT
from tests.support.valkey_server import ValkeyServer

QPS = 9.0
SECONDS = 20.0


def shared() -> Table:
    """Measure processes that share one quota through Valkey."""
    seconds, rows = SECONDS, []
    folder = ROOT / "build" / "bench-valkey"
    folder.mkdir(parents=True, exist_ok=True)
    for count in (1, 2, 4, 8):
        server = ValkeyServer(folder)
        try:
            left = [process["left"] for process in run_processes(count, seconds, server.url, QPS)]
            rows.append(_shared_row(left, count, seconds))
        finally:
            server.kill()
    return Table(
        f"One quota for many: processes on one Valkey for {seconds:g} s",
        ("processes", "together, of OTA_QPS", "most in a second", "furthest from the fair part", "goal"),
        rows,
        "Goal: together at least 95 % of OTA_QPS, never over 10 in any second, each within 20 % of its fair part.",
    )


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
