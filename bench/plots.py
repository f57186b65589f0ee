"""Pictures of the benchmark."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

LIMIT = 10


def in_the_last_second(moments: Sequence[float], now: float) -> int:
    return sum(now - 1 < moment <= now for moment in moments)


def calls_per_second(found: Mapping[str, Sequence[float]], path: Path, seconds: float = 40.0) -> None:
    """Draw the calls in the last second, for ours and each peer, against the line at ten."""
    mpl.rcParams |= {"svg.hashsalt": "ota-modules", "font.size": 9, "svg.fonttype": "none"}
    figure, axes = pyplot.subplots(len(found), 1, figsize=(8, 1.15 * len(found)), sharex=True, squeeze=False)
    steps = [step / 10 for step in range(int(seconds * 10))]
    for (name, moments), axis in zip(found.items(), axes[:, 0], strict=True):
        values = [in_the_last_second(moments, step) for step in steps]
        axis.fill_between(steps, values, color="#2f6fab" if name == "ota-modules" else "#9a9a9a", linewidth=0)
        axis.axhline(LIMIT, color="#b3261e", linewidth=1)
        axis.set_ylim(0, max(20, min(60, max(values, default=0) + 2)))
        axis.set_title(name, loc="left", fontsize=9, pad=2)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel("seconds; calls in the last second, at 500 ms latency; the line is the account's limit")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
