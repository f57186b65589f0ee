"""Plants each fault in a copy of the project, and shows which test sees it; fails if one is seen by none."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.faults import FAULTS, TESTS, Fault
from tests.support.paths import ROOT

LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", ".*", "dist", "build")
SEEDS = "1-60"
LONGEST = 240
"""Seconds for the tests of one mutant. Tests that hang have not passed."""
NOT_SEEN = "-"


@dataclass(frozen=True)
class Verdict:
    """What saw a fault: a test of the function's own, and an invariant of the simulation."""

    test: str
    simulation: str

    @property
    def unseen(self) -> bool:
        return self.test == self.simulation == NOT_SEEN


def judge(files: Iterable[str], fault: Fault | None = None) -> Verdict:
    """What becomes of the tests of some files of the function, with a fault in one file, or with none.

    Raises: ValueError: the text that is to be replaced does not stand once in the file.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        if fault is not None:
            [file] = files
            _plant(fault, copy / "handler" / file)
        tests = sorted({f"tests/{test}.py" for file in files for test in TESTS[file]})
        test = _run(copy, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests)
        simulation = _run(copy, "-m", "tests.simulation", "--seeds", SEEDS)
        return Verdict(
            _seen(test, r"(?m)^(?:FAILED|ERROR) \S+?::(\w+)"),
            _seen(simulation, r"(?m)^(I\d|the function failed)\b.*\n\nseed \d+"),
        )


def _plant(fault: Fault, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.name!r} no longer applies: {fault.old!r} stands {text.count(fault.old)} times")
    file.write_text(text.replace(fault.old, fault.new), encoding="utf-8")


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {"PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "examples")}
    try:
        return subprocess.run(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "")


def _seen(run: subprocess.CompletedProcess[str], by: str) -> str:
    if run.returncode == 0:
        return NOT_SEEN
    found = re.search(by, run.stdout)
    return found[1] if found else "does not end" if not run.stdout else "fails"


def main() -> int:
    planted = [(file, fault) for file, faults in FAULTS.items() for fault in faults]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        unharmed = pool.submit(judge, FAULTS)
        verdicts = pool.map(lambda each: judge([each[0]], each[1]), planted)
        survivors = sum(_shown(fault, verdict) for (_, fault), verdict in zip(planted, verdicts, strict=True))
        print(f"\n{len(planted)} faults, {survivors} of them seen by no test")
        if not unharmed.result().unseen:
            print(f"without any fault the tests fail as well: {unharmed.result()}")
        return 0 if unharmed.result().unseen and not survivors else 1


def _shown(fault: Fault, verdict: Verdict) -> bool:
    """Prints a row; whether nothing saw the fault."""
    print(f"{'SURVIVES' if verdict.unseen else 'seen':9} {fault.name}", flush=True)
    print(f"{'':9}   by {verdict.test}; simulation: {verdict.simulation}", flush=True)
    return verdict.unseen


if __name__ == "__main__":
    sys.exit(main())
