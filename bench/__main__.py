"""`make bench`: every table in one run, ratios first, written to their places in BENCHMARKS.md."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Mapping

from bench.cost_tables import bill, overhead
from bench.deployed_table import deployed
from bench.memory_table import memory
from bench.package_table import package
from bench.quota_tables import MOMENTS, nearly_all, quota, tenant
from bench.report import replace_table
from bench.shared_table import shared
from bench.start_tables import parted, whole
from bench.table import Table
from tests.support.paths import ROOT

TABLES: Mapping[str, Callable[[], Table]] = {
    "start": whole,
    "parted": parted,
    "memory": memory,
    "overhead": overhead,
    "package": package,
    "deployed": deployed,
    "quota": quota,
    "whole": nearly_all,
    "tenant": tenant,
    "shared": shared,
    "bill": bill,
}
FILE = ROOT / "BENCHMARKS.md"


def main(arguments: list[str] | None = None) -> None:
    """Measure the tables that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--only", action="append", choices=TABLES, help="a table; may be given more than once")
    parser.add_argument("--print", action="store_true", help="leave BENCHMARKS.md as it is")
    options = parser.parse_args(arguments)
    failed = []
    for name in options.only or TABLES:
        print(f"{name} …", flush=True)
        began = time.monotonic()
        try:
            table = TABLES[name]()
        except Exception:  # the other tables take minutes, and need nothing of this one
            traceback.print_exc()
            failed.append(name)
            continue
        print(f"{table.text()}\n({time.monotonic() - began:.0f} s)\n", flush=True)
        if not options.print:
            FILE.write_text(replace_table(FILE.read_text(encoding="utf-8"), name, table, time.time()), encoding="utf-8")
            draw(name)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}; again: python -m bench --only {' --only '.join(failed)}")


def draw(name: str) -> None:
    """Draw the picture that belongs to a table."""
    if name == "quota":
        from bench.plots import calls_per_second  # needs more than the other tables

        calls_per_second(MOMENTS, ROOT / "docs" / "calls-per-second.svg")


if __name__ == "__main__":
    main()
