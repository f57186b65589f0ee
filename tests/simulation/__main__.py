"""Runs the simulation for many seeds, or one plan again with its trace."""

import argparse
import sys
import time

from tests.simulation.plan import Plan
from tests.simulation.world import Result, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1-200", help="a number, or a range as 1-200")
    parser.add_argument("--plan", help="a plan as a failing run printed it")
    parser.add_argument("--trace", action="store_true", help="print what happened")
    chosen = parser.parse_args()
    if chosen.plan:
        return _show([simulate(Plan.read(chosen.plan))], trace=True)
    first, _, last = chosen.seeds.partition("-")
    began = time.perf_counter()
    results = []
    for seed in range(int(first), int(last or first) + 1):
        results.append(simulate(Plan.drawn(seed)))
        if results[-1].violation:
            break
    code = _show(results, trace=chosen.trace)
    seconds = time.perf_counter() - began
    requests = sum(result.requests for result in results)
    print(
        f"{len(results)} seeds, {requests} requests in {sum(r.deliveries for r in results)} deliveries,"
        f" {sum(r.calls for r in results)} calls: {seconds:.1f} s, {requests / seconds * 60:,.0f} requests a minute"
    )
    return code


def _show(results: list[Result], *, trace: bool) -> int:
    last = results[-1]
    if last.violation or trace:
        for moment, who, what, *more in last.trace:
            print(f"{moment:10.4f}  {who}  {what}", *more)
    if last.violation is None:
        return 0
    print(f"\n{last.violation}\n\nseed {last.plan.seed}: again with", file=sys.stderr)
    print(f"  python -m tests.simulation --plan '{last.plan}'", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
