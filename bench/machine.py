"""Processes of the benchmark: servers, peers, and what they print."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.paths import ROOT

LONGEST = 1_500


@contextmanager
def served(latency: float, *, jitter: float = 0.05, limit: float = 10, tenant: float = 0) -> Iterator[str]:
    """Run a server in a process of its own; yield its address."""
    command = [sys.executable, "-m", "bench.server", *(str(value) for value in (latency, jitter, limit, tenant))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def stats(url: str) -> dict[str, Any]:
    """Ask a server what it saw."""
    with urllib.request.urlopen(f"{url}/stats", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def run(module: str, *arguments: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a module in a process of its own; return the JSON object in its last line."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTA_", "ALI"))}
    command = [sys.executable, "-m", module, *arguments]
    made = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**clean, **(environ or {})},
        timeout=LONGEST,
        check=False,
    )
    if made.returncode or not made.stdout.strip():
        raise RuntimeError(f"{' '.join(arguments)}: {made.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(made.stdout.strip().splitlines()[-1])
    return found


def side_by_side(tasks: Sequence[Any]) -> list[Any]:
    """Return the results of functions that run at the same time, each waiting for a process of its own."""
    results: list[Any] = [None] * len(tasks)

    def one(place: int) -> None:
        try:
            results[place] = tasks[place]()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=one, args=(place,)) for place in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
