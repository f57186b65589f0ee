"""Peak memory in the deployed size."""

import json
import os
import subprocess
from typing import Any

from bench.machine import served
from bench.package_table import unpacked
from bench.table import Table, met
from deploy.package import RUNTIMES, deployed_runtime
from tests.support.interpreters import interpreter
from tests.support.paths import ROOT

GOALS = {"batch": ("1,000 messages of one request", 40), "large": ("100 messages of 48 KiB, 67,400 requests", 96)}
"""What is delivered at once, and MiB of the 128 MB that the function has."""


def peak(runtime: str, name: str) -> dict[str, Any]:
    """Measure one delivery in a process of its own."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked(runtime)), "PYTHONDONTWRITEBYTECODE": "1"}
    with served(0, jitter=0, limit=1e9) as url:
        command = [interpreter(RUNTIMES[runtime]), "-S", "-s", str(ROOT / "bench/memory.py"), name, url]
        run = subprocess.run(command, check=True, env=environ, cwd="/", timeout=300, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def memory() -> Table:
    """Measure the deliveries for the runtime that is deployed."""
    runtime = deployed_runtime(ROOT / "template.yml")
    rows = []
    for name, (words, goal) in GOALS.items():
        found = peak(runtime, name)
        result = ", ".join(f"{count:,} {status}" for status, count in found["result"].items() if count)
        rows.append([words, f"{found['peak']:.0f} MiB", f"at most {goal} MiB", met(found["peak"] <= goal), result])
    return Table(
        f"Memory of one delivery, {runtime}, from the zip",
        ("delivered", "peak", "goal", "", "result"),
        rows,
        "The highest resident memory of the whole process (VmHWM). The large delivery has 20 s at 7 calls a second.",
    )
