"""BENCHMARKS.md: what a run writes, and what it leaves alone."""

import re

import pytest

from bench.report import replace_table
from bench.table import Table
from tests.support.paths import ROOT

PLACE = "<!-- measured: {0} -->\nold\n<!-- end: {0} -->\n"
TEXT = f"# Title\n\n{PLACE.format('one')}\n{PLACE.format('two')}\nConcluded.\n"
TABLE = Table("A table", ("a", "b"), [["1", "2"]], "Notes.")


def test_a_table_takes_its_place_with_day_and_machine_and_nothing_else_changes() -> None:
    """What people concluded stays, and so do the tables that were not measured."""
    written = replace_table(TEXT, "one", TABLE, 1_767_225_600)
    head, rest = written.split("<!-- end: one -->")
    assert "### A table\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nNotes.\n" in head
    assert "Measured 2026-01-01: " in head
    assert rest == TEXT.split("<!-- end: one -->")[1]


def test_a_table_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="three"):
        replace_table(TEXT, "three", TABLE, 0)


def test_every_conclusion_has_a_date() -> None:
    text = (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    conclusions = re.findall(r"^- .*$", text.partition("## Conclusions")[2], re.MULTILINE)
    assert conclusions
    assert [line for line in conclusions if not re.match(r"- \d{4}-\d\d-\d\d\. ", line)] == []
