"""A part of a processor: whoever enforces it, it is kept."""

import sys

import pytest

from bench.limits import Limit, limited

WORK = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"


@pytest.mark.parametrize("grouped", [True, False])
def test_a_quarter_of_a_processor_takes_four_times_as_long(grouped: bool) -> None:
    """0.2 s of processor time take 0.8 s less one period; how much longer depends on the machine's other work."""
    command = [sys.executable, "-S", "-c", WORK]
    if grouped:
        with limited(0.25) as limit:
            seconds = limit.run(command, {})
    else:
        seconds = Limit(0.25).run(command, {})
    assert seconds > 0.5
