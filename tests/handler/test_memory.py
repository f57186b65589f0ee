"""Memory: the largest deliveries fit into the smallest instance."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.paths import ROOT

MOST = 96
"""MiB of a process, for an instance has 128 MB, and the platform's runtime is in it too."""
SCRIPT = ROOT / "tests" / "support" / "large_delivery.py"


def deliver(requests: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), str(requests), str(seconds)]
    run = subprocess.run(command, capture_output=True, check=True, timeout=100, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    measured: dict[str, Any] = json.loads(run.stdout)
    return measured


@pytest.mark.parametrize("requests", [100, 400, 800])
@pytest.mark.parametrize("seconds", [278.0, 0.0])
def test_a_hundred_full_messages_fit_into_the_smallest_instance(requests: int, seconds: float) -> None:
    """Some requests are finished wherever there is time, and the queue is no longer than before but for what no message holds."""
    measured = deliver(requests, seconds)
    assert measured["peak"] < MOST
    assert measured["created"] + measured["put_back"] == 100 * requests
    if seconds:
        assert requests <= measured["created"] <= 2_000
        assert measured["messages"] < 100
    else:
        # The first message was taken on; with what is known of them by then, its requests may need one message more or two.
        assert measured["messages"] <= 102
