"""Runs the simulation for many seeds; or one plan again, with its trace."""

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterable
from random import SystemRandom

from tests.simulation.plan import Plan, drawn
from tests.simulation.world import simulate

SEEDS = 200
TOGETHER = 40
"""Runs after which garbage is looked for. Doing so all the time took a fifth of it: greenlets come and go by the thousand."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", help=f"one seed, or a range as 1-200; {SEEDS} that are drawn anew if none are given")
    parser.add_argument("--plan", type=Plan.read, help="a plan, as a run that failed printed it")
    chosen = parser.parse_args(arguments)
    if chosen.plan is not None:
        result = simulate(chosen.plan)
        print(result.report())
        return 1 if result.violation else 0
    gc.disable()
    gc.freeze()
    try:
        return _run_seeds(read_seeds(chosen.seeds))
    finally:
        gc.enable()


def read_seeds(text: str | None) -> range:
    if text is None:
        first = SystemRandom().randrange(1, 10**9)
        print(f"drawn anew: seeds {first}-{first + SEEDS - 1}", flush=True)
        return range(first, first + SEEDS)
    begin, _, last = text.partition("-")
    return range(int(begin), int(last or begin) + 1)


def _run_seeds(seeds: Iterable[int]) -> int:
    """Runs seeds until one fails."""
    began, total, ending = time.process_time(), Counter[str](), "all held"
    for seed in seeds:
        result = simulate(drawn(seed))
        total.update(seeds=1, requests=result.requests, handled=result.deliveries, calls=result.calls)
        if not total["seeds"] % TOGETHER:
            gc.collect()
        if result.violation:
            ending = "the last seed failed"
            print(result.report())
            break
    seconds = time.process_time() - began
    print(
        f"\n{total['seeds']} seeds: {total['requests']} requests were handled {total['handled']} times with"
        f" {total['calls']} calls in {seconds:.1f} s of a processor, {total['handled'] / seconds * 60:,.0f} a minute; {ending}"
    )
    return 0 if ending == "all held" else 1


if __name__ == "__main__":
    sys.exit(main())
