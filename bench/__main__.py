"""`make bench`: every table in one run, ratios first, written to BENCHMARKS.md with machine, date and command."""

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import tables
from bench.plots import calls_per_second
from tests.support.paths import ROOT

TABLES: dict[str, Callable[[], tables.Table]] = {
    "quota": tables.quota,
    "tenant": tables.tenant,
    "shared": tables.shared,
    "overhead": tables.overhead,
    "cold": tables.cold,
    "package": tables.package,
    "bill": tables.bill,
}

HEAD = """# Benchmarks

Made by `make bench` in one run; ratios first. The servers that stand for the API run in processes of their own on the same
machine, on loopback: read the ratios, not the milliseconds.

- Machine: {machine}
- Date: {date}
- Command: `{command}`
"""

REST = """## What the rest is made of

- **Overhead, against the floor.** The larger half of the distance is the official SDKs: the composer quotes every parameter three
  times, and the SMQ client signs eight headers for each message. The rest is checking (pydantic), the CloudEvent and the JSON log
  line of each request, answers that are due by a given time, and a place in the quota's line. Answers are read by `http.client`, but
  their headers without the e-mail parser, which took a tenth of the time.
- **Cold start, compiled, against the SDKs.** The floor alone takes more than 0.65 of the SDKs' time, and most of it is pydantic: that
  goal is out of reach with pydantic. What the function adds to the floor is the SMQ client (its XML, its log handlers), its own modules
  and models.
- **Cold start, new, against the floor.** Compiling: of some 130 ms more than the floor, 30 to 55 go into the function's own modules
  and 20 to 45 into the SMQ client's. Modules that a call does not need (HTTP, its description, the shared quota) are not imported.
"""


def machine() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(": ")[2] if names else platform.machine()
    return f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.release()}, Python {platform.python_version()}"


def main() -> None:
    """Run the tables named on the command line, or all of them; BENCHMARKS.md is written for all only."""
    chosen = sys.argv[1:] or list(TABLES)
    made = {}
    for name in chosen:
        print(f"{name} …", flush=True)
        began = time.monotonic()
        made[name] = TABLES[name]()
        print(f"{made[name].text()}\n({time.monotonic() - began:.0f} s)\n", flush=True)
    if "quota" in made:
        calls_per_second(tables.MOMENTS, ROOT / "docs" / "calls-per-second.svg")
    if len(chosen) == len(TABLES):
        head = HEAD.format(machine=machine(), date=time.strftime("%Y-%m-%d"), command="make bench")
        text = "\n".join([head, *(table.text() for table in made.values()), REST])
        (ROOT / "BENCHMARKS.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
