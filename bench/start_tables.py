"""The start of an instance: processes from nothing to their first outcome, on a whole processor and on a part of one."""

import os
import shutil
import statistics
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench.limits import Limit, limited
from bench.machine import served
from bench.package_table import unpacked, without_bytecode
from bench.table import Table, met
from deploy.package import RUNTIMES, deployed_runtime
from tests.support.interpreters import interpreter
from tests.support.paths import ROOT

ROUNDS, FEW_ROUNDS = 12, 4
SHARES = (0.1, 0.25, 0.5)
ANSWERED_WITHIN = 1.2
"""Seconds in which a caller has the answer of a new instance of the HTTP function, as it is deployed."""


class Way(NamedTuple):
    """A way to the first outcome (see `bench.cold`), and where it finds its packages."""

    name: str
    place: Path


def ways(runtime: str) -> Mapping[str, Way]:
    """List the ways for a runtime: ours as packaged, by its two triggers, and what it is compared with."""
    place = unpacked(runtime)
    return {
        "queue": Way("ours", place),
        "http": Way("http", place),
        "floor": Way("floor", place),
        "sources": Way("ours", without_bytecode(place)),
        "sdks": Way("sdks", without_bytecode(installed(RUNTIMES[runtime]))),
    }


def installed(version: str) -> Path:
    """Install the SDKs for a version of Python, once; return the folder of the packages."""
    place = ROOT / "build" / "bench" / f"sdks-{version}"
    if not (done := place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)  # an installation that was cut off
        subprocess.run([interpreter(version), "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        subprocess.run([*pip, "-r", str(ROOT / "locks/local.txt")], check=True)
        done.touch()
    return next(place.glob("lib/python*/site-packages"))


def start(runtime: str, way: Way, url: str, limit: Limit) -> float:
    """Start a process; the seconds to its first outcome. It leaves no bytecode behind, as in a folder that is read-only."""
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(way.place),
        "HOME": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [interpreter(RUNTIMES[runtime]), "-S", "-s", str(ROOT / "bench/cold.py"), way.name, url]
    return limit.run(command, environ)


def medians(runtime: str, limit: Limit, rounds: int) -> Mapping[str, float]:
    """Start each way in turn, and again; return the medians, without the first round."""
    took: dict[str, list[float]] = {}
    with served(0, jitter=0, limit=1e9) as url:
        for _ in range(rounds + 1):
            for name, way in ways(runtime).items():
                took.setdefault(name, []).append(start(runtime, way, url, limit))
    return {name: statistics.median(times[1:]) for name, times in took.items()}


def whole() -> Table:
    """Compare the starts on a whole processor."""
    rows = []
    for runtime in RUNTIMES:
        with limited(1.0) as limit:
            middle = medians(runtime, limit, ROUNDS)
        for other, words, goal in (
            ("sources", "the same without bytecode", 0.55),
            ("floor", "pydantic with one model, composer and http.client, with bytecode", 1.15),
            ("sdks", "AcsClient, mns.account and pydantic, without bytecode", 0.40),
        ):
            ratio = middle["queue"] / middle[other]
            figures = f"{middle['queue'] * 1000:.0f} / {middle[other] * 1000:.0f}"
            rows.append([runtime, words, f"{ratio:.2f} x", f"at most {goal:g} x", met(ratio <= goal), figures])
    return Table(
        f"Start: a process from nothing to its first outcome, median of {ROUNDS}",
        ("runtime", "compared with", "ratio", "goal", "", "ms"),
        rows,
        "Ours and the floor run from the unpacked zip, the SDKs from an installation as a user would zip it. Nothing writes bytecode.",
    )


def parted() -> Table:
    """Measure the starts on parts of a processor, for the runtime that is deployed."""
    runtime = deployed_runtime(ROOT / "template.yml")
    columns = ("queue", "http", "sources", "floor", "sdks")
    rows, how = [], ""
    for share in SHARES:
        with limited(share) as limit:
            how = limit.how
            middle = medians(runtime, limit, FEW_ROUNDS)
        rows.append([f"{share:g} vCPU", *(f"{middle[name]:.2f}" for name in columns)])
    return Table(
        f"Start on a part of a processor: seconds to the first outcome, {runtime}, median of {FEW_ROUNDS}",
        (
            "cpu",
            "ours, queue",
            "ours, HTTP",
            "ours, queue, without bytecode",
            "the floor",
            "the SDKs, without bytecode",
        ),
        rows,
        f"The limit is enforced by {how}, in periods of 0.1 s. Everything is in it: the interpreter's own start, imports, TLS, settings, the\n"
        f"first request. Goal: HTTP within {ANSWERED_WITHIN:g} s at the `cpu` of template.yml's http function.",
    )
