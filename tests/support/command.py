"""The command line in a process of its own, as a user starts it."""

import os
import subprocess
import sys
from collections.abc import Mapping

from emulator.local import LocalCloud

DEAD_PROXIES = {
    name: f"{scheme}://127.0.0.1:9"
    for lower, scheme in (("http_proxy", "http"), ("https_proxy", "http"), ("all_proxy", "socks5"))
    for name in (lower, lower.upper())
}
"""Proxies as company networks and desktops export them; nobody listens there, so whatever goes through one fails."""
PROGRAM = "from cli.main import main; main()"


def command(*arguments: str, first: str = "") -> list[str]:
    """Return the words that start it; `first` is Python that runs before it is imported."""
    return [sys.executable, "-c", f"{first}\n{PROGRAM}", *arguments]


def environment(**more: str) -> Mapping[str, str]:
    """Return the environment of the test, without an account in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ALIBABA_CLOUD_", "OTA_"))} | more


def endpoints(cloud: LocalCloud) -> dict[str, str]:
    """Return the variables that lead commands to a local cloud."""
    urls = {"IOT": cloud.urls.iot, "MNS": cloud.urls.smq, "FC": cloud.urls.fc, "CONSOLE": cloud.urls.console}
    return {f"OTA_{name}_ENDPOINT": url for name, url in urls.items()}


def run(*arguments: str, first: str = "", **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments, first=first), capture_output=True, timeout=60, check=False, env=environment(**environ)
    )
