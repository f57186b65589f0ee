"""docs/costs.md: figures that follow from template.yml and the formula."""

from typing import Any

import pytest

from tests.docs.markdown import code_spans
from tests.docs.pages import TEMPLATE, page

PAGE = page("costs")
CALL, MEMORY, DISK, PRICE = 0.0075, 0.15, 0.05, 0.000020
"""CU a call, a GB-second of memory and of disk; USD a CU."""


def cu_a_second(props: Any) -> float:
    """What an instance of a function costs while it works or waits."""
    return float(props["cpu"] + MEMORY * props["memorySize"] / 1024 + DISK * props["diskSize"] / 1024)


@pytest.mark.parametrize("name", ["queue", "http"])
def test_a_function_has_the_size_and_the_price_of_the_table(name: str) -> None:
    props = TEMPLATE["resources"][name]["props"]
    row = next(row for row in PAGE.tables[0].rows if code_spans(row[0]) == [f"ota-modules-{name}"])
    shown = [float(cell) for cell in row[1:]]
    assert shown == pytest.approx([props["cpu"], props["memorySize"], props["diskSize"], cu_a_second(props)])


def test_a_month_comes_to_what_the_formula_says() -> None:
    """Seconds and calls, at the rate of the function that the row is about."""
    for what, *cells in PAGE.tables[1].rows:
        seconds, calls, cu, usd = (float(cell.replace(",", "")) for cell in cells)
        props = TEMPLATE["resources"]["http" if "HTTP" in what else "queue"]["props"]
        expected = seconds * cu_a_second(props) + calls * CALL
        assert cu == pytest.approx(expected, rel=0.01)
        assert usd == pytest.approx(expected * PRICE, rel=0.03, abs=0.0006)
