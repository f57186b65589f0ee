"""Runs the simulation for many seeds; or one plan again, with its trace."""

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator

from tests.simulation.plan import Plan
from tests.simulation.world import Result, simulate


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1-200", help="one seed, or a range as 1-200")
    parser.add_argument("--plan", type=Plan.read, help="a plan, as a run that failed printed it")
    chosen = parser.parse_args(arguments)
    if chosen.plan is not None:
        result = simulate(chosen.plan)
        print(result.report())
        return 1 if result.violation else 0
    gc.set_threshold(100_000)  # greenlets come and go by the thousand: looking for garbage so often took a twentieth
    return _many(_seeds(chosen.seeds))


def _seeds(text: str) -> Iterable[int]:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _many(seeds: Iterable[int]) -> int:
    began, results = time.perf_counter(), []
    for result in _until_one_fails(seeds):
        results.append(result)
        if result.violation:
            print(result.report())
    seconds = time.perf_counter() - began
    sent, handled = sum(each.requests for each in results), sum(each.deliveries for each in results)
    print(
        f"\n{len(results)} seeds: {sent} requests were handled {handled} times with {sum(each.calls for each in results)}"
        f" calls in {seconds:.1f} s, {handled / seconds * 60:,.0f} a minute; "
        + ("the last seed failed" if results[-1].violation else "all held")
    )
    return 1 if results[-1].violation else 0


def _until_one_fails(seeds: Iterable[int]) -> Iterator[Result]:
    for seed in seeds:
        yield (result := simulate(Plan.drawn(seed)))
        if result.violation:
            return


if __name__ == "__main__":
    sys.exit(main())
