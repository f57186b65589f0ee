"""docs/costs.md: its figures follow from template.yml and the formula on the page."""

import pytest
import yaml

from tests.docs.pages import page
from tests.support.paths import ROOT

COSTS = page("costs")
TEMPLATE = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))
QUEUE = TEMPLATE["resources"]["queue"]["props"]
HTTP = TEMPLATE["resources"]["http"]["props"]
CALL, MEMORY, DISK, PRICE = 0.0075, 0.15, 0.05, 0.00002
MONTH = 30 * 86_400


def a_second(cpu: float, memory: float, disk: float = 512) -> float:
    """CU for a second of an instance; sizes in MB."""
    return cpu + MEMORY * memory / 1024 + DISK * disk / 1024


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_sizes_are_the_template_s() -> None:
    """And so is what a second costs."""
    rows = {row[0].strip("`"): [number(cell) for cell in row[1:]] for row in COSTS.tables[0].rows}
    for name, props in (("ota-modules-queue", QUEUE), ("ota-modules-http", HTTP)):
        size = [props["cpu"], props["memorySize"], props["diskSize"]]
        assert rows[name] == [*size, pytest.approx(a_second(*size))]


def test_what_it_comes_to_follows_from_the_formula() -> None:
    """Seconds from the share, calls from the batches."""
    share, batch = float(TEMPLATE["vars"]["qps_queue"]), TEMPLATE["vars"]["batch_messages"]
    queue = a_second(QUEUE["cpu"], QUEUE["memorySize"])
    http = a_second(HTTP["cpu"], HTTP["memorySize"])
    expected = [
        (0, 0, 0.0),
        (10_000 / share, 10_000 / batch, queue),
        (400, 1000, http),
        (MONTH, MONTH * share / batch, queue),
    ]
    for row, (seconds, calls, rate) in zip(COSTS.tables[1].rows, expected, strict=True):
        units = calls * CALL + seconds * rate
        shown = [number(cell) for cell in row[1:]]
        assert shown[:3] == [round(seconds), round(calls), round(units)]
        assert shown[3] == pytest.approx(units * PRICE, abs=0.005 if shown[3] > 1 else 0.0005)


def test_the_choice_of_sizes_follows_from_the_formula() -> None:
    """For 1,000 requests of 0.4 s."""
    for size, rate, units in COSTS.tables[2].rows:
        cpu, memory = (float(part.split()[0]) for part in size.split(", "))
        assert number(rate) == pytest.approx(a_second(cpu, memory))
        assert number(units) == pytest.approx(1000 * CALL + 400 * a_second(cpu, memory))
