"""A part of a processor: whoever enforces it, it is kept."""

import sys
from contextlib import nullcontext

import pytest

from bench.limits import Limit, limited

WORK = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"


@pytest.mark.parametrize("grouped", [True, False])
def test_a_quarter_of_a_processor_takes_four_times_as_long(grouped: bool) -> None:
    """0.2 s of processor time take 0.8 s less one period; how much longer depends on the machine's other work."""
    with limited(0.25) if grouped else nullcontext(Limit(0.25)) as limit:
        assert limit.run([sys.executable, "-S", "-c", WORK], {}) > 0.5
