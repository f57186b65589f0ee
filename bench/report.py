"""BENCHMARKS.md: what runs measured stands between marks, and is written by them; all else is written by people, and stays."""

import os
import platform
import re
import time
from pathlib import Path

from bench.table import Table


def machine() -> str:
    """Name the machine, as far as figures depend on it."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(": ")[2] if names else platform.machine()
    return f"{os.cpu_count()} cores ({model}), {platform.system()} {platform.release()}, Python {platform.python_version()}"


def replace_table(text: str, name: str, table: Table, moment: float) -> str:
    """Put a table between its marks, with the day and the machine. Raises: ValueError: there are no such marks."""
    day = time.strftime("%Y-%m-%d", time.gmtime(moment))
    marks = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
    made = f"{table.text()}\n\nMeasured {day}: {machine()}.\n"
    written, count = marks.subn(lambda found: found[1] + made + found[2], text)
    if count != 1:
        raise ValueError(f"BENCHMARKS.md has no place for the table {name}")
    return written
