"""Plants each fault in a copy of the project, and shows which test sees it; fails if one is seen by none.

With words as arguments, only faults whose names contain one of them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.mutants.faults import FAULTS, Fault, expected_tests
from tests.support.paths import ROOT

LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", ".*", "dist", "build")
SEEDS = "1-60"
LONGEST = 240
"""Seconds for the tests of one mutant. Tests that hang have not passed."""
NOT_SEEN = "-"


class Verdict(NamedTuple):
    """What saw a fault: a test of the function's own, and an invariant of the simulation."""

    test: str
    simulation: str

    @property
    def unseen(self) -> bool:
        return self.test == self.simulation == NOT_SEEN


def judge(files: Iterable[str], fault: Fault | None = None) -> Verdict:
    """What becomes of the tests of some files of the function, with a fault in one file, or with none."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        if fault is not None:
            [file] = [copy / "handler" / name for name in files]
            file.write_text(fault.plant(file.read_text(encoding="utf-8")), encoding="utf-8")
        tests = sorted({test for file in files for test in expected_tests(file)})
        return Verdict(
            _run(copy, r"(?m)^(?:FAILED|ERROR) \S+?::(\w+)", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests),
            _run(copy, r"(?m)^(I\d+|the function failed)\b.*\n\nseed \d+", "tests.simulation", "--seeds", SEEDS),
        )


def _run(folder: Path, failure: str, *module: str) -> str:
    """The failure that a module prints that is run in a folder."""
    command, examples = [sys.executable, "-m", *module], str(folder / "examples")
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": examples}
    try:
        run = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return "does not end"
    if run.returncode == 0:
        return NOT_SEEN
    found = re.search(failure, run.stdout)
    return found[1] if found else "fails"


def main(words: list[str]) -> int:
    faults = [(file, name, fault) for file, named in FAULTS.items() for name, fault in named.items()]
    planted = [each for each in faults if not words or any(word in each[1] for word in words)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        unharmed = pool.submit(judge, FAULTS) if not words else None
        verdicts = pool.map(lambda each: judge([each[0]], each[2]), planted)
        survivors = sum(_show(name, verdict) for (_, name, _), verdict in zip(planted, verdicts, strict=True))
        print(f"\n{len(planted)} faults, {survivors} of them seen by no test")
        if failed := unharmed and not unharmed.result().unseen:
            print(f"without any fault the tests fail as well: {unharmed.result()}")
        return 1 if failed or survivors else 0


def _show(name: str, verdict: Verdict) -> bool:
    """Prints a row; whether nothing saw the fault."""
    print(f"{'SURVIVES' if verdict.unseen else 'seen':9} {name}", flush=True)
    print(f"{'':9}   by {verdict.test}; simulation: {verdict.simulation}", flush=True)
    return verdict.unseen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
