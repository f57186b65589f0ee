"""What a request costs in processor time, and what the platform charges."""

import statistics
from functools import partial

from bench.machine import run, served, side_by_side
from bench.quota_tables import QPS, paced
from bench.table import Table, met


def overhead() -> Table:
    """Measure CPU for each request, seven rounds of each in turn: the median of the rounds' ratios, as the machine's pace drifts."""
    count, ways = 1000, ("floor", "ours", "sdks")
    rounds: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(7):
        for way in ways:
            with served(0, jitter=0, limit=1e9) as url:
                rounds[way].append(run("bench.overhead", way, url, str(count)))
    cpu = {way: [one["cpu"] / count * 1e6 for one in rounds[way]] for way in ways}
    middle = {way: statistics.median(cpu[way]) for way in ways}

    def row(way: str, words: str, goal: float) -> list[str]:
        ratio = statistics.median(ours / other for ours, other in zip(cpu["ours"], cpu[way], strict=True))
        figures = f"{middle['ours']:.0f} / {middle[way]:.0f}"
        return [words, f"{ratio:.2f} x", f"at most {goal:g} x", met(ratio <= goal), figures]

    return Table(
        "Overhead: CPU for each request, a queue batch of 1,000, outcomes published, no quota, no latency",
        ("compared with", "ratio", "goal", "", "µs of CPU"),
        [
            row("floor", "the floor (hand-signed http.client, raw publish)", 1.3),
            row("sdks", "AcsClient + mns.account + pydantic", 0.6),
        ],
    )


CU_PER_SECOND = 0.1 * 1 + 0.125 * 0.15
"""0.1 vCPU and 128 MB (Function Compute, billing since 2024-08-27: vCPU-s 1 CU, GB-s 0.15 CU)."""


def bill() -> Table:
    """Measure function seconds at the quota, and how they grow."""
    sizes = (10, 100, 1000, 2000)  # at most 2,000 requests are taken on by one delivery
    whole, *grown = side_by_side([partial(paced, "ota-modules", 0.3, 1000), *(partial(_grown, size) for size in sizes)])
    ratio = whole.seconds / (1000 / QPS)
    units = whole.seconds * CU_PER_SECOND
    rows = [
        ["1,000 at OTA_QPS=9", f"{ratio:.3f} x 1000 / OTA_QPS", "at most 1.03 x", met(ratio <= 1.03),
         f"{whole.seconds:.1f} s, {units:.1f} CU, {units * 0.00002:.5f} USD"],
        *([f"{size:,} at OTA_QPS=90", f"{seconds / (size / 90):.3f} x {size} / 90", "linear", "", f"{seconds:.1f} s"]
          for size, seconds in zip(sizes, grown, strict=True)),
    ]  # fmt: skip
    return Table(
        "Bill: function seconds (128 MB, 0.1 vCPU), import included", ("modules", "ratio", "goal", "", "figures"), rows,
        "The quota of the last rows is ten times the real one, so that they end; the constant part is the start.",
    )  # fmt: skip


def _grown(size: int) -> float:
    with served(0.3, limit=100) as url:
        took = run("bench.peers", "ota-modules", url, str(size), environ={"OTA_QPS": "90"})
    return float(took["seconds"])
