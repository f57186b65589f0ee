"""The command line in a process of its own, as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Mapping

PROGRAM = "from cli.main import main; main()"


def command(*arguments: str, first: str = "") -> list[str]:
    """The words that start it; `first` is Python that runs before it is imported."""
    return [sys.executable, "-c", f"{first}\n{PROGRAM}", *arguments]


def environment(**more: str) -> Mapping[str, str]:
    """The environment of the test, without an account in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ALIBABA_CLOUD_", "OTA_"))} | more


def run(*arguments: str, first: str = "", **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments, first=first), capture_output=True, timeout=60, check=False, env=environment(**environ)
    )
