"""The Chinese pages say what the English ones say: the same headings, tables, code and names.

Whoever changes one of them changes the other; a row that is added here and not there fails the build.
"""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import Block, Page, Table, code_spans
from tests.docs.pages import english, name_of, translation

DRAWN = ("", "mermaid")
"""Languages of blocks that hold words for people: those are translated."""
pages = pytest.mark.parametrize("path", english(), ids=name_of)


def both(path: Path) -> tuple[Page, Page]:
    """An English page and its translation."""
    return Page.read(path), Page.read(translation(path))


@pages
def test_the_headings_are_the_same_in_number_and_level(path: Path) -> None:
    """In the same order."""
    ours, theirs = both(path)
    assert [heading.level for heading in ours.headings] == [heading.level for heading in theirs.headings]


@pages
def test_the_tables_have_the_same_rows_names_and_numbers(path: Path) -> None:
    """Cell by cell: code and figures, which need no translation."""
    ours, theirs = both(path)
    assert [_shape(table) for table in theirs.tables] == [_shape(table) for table in ours.tables]


def _shape(table: Table) -> list[list[tuple[list[str], list[str]]]]:
    return [[_constants(cell) for cell in row] for row in table.rows]


def _constants(cell: str) -> tuple[list[str], list[str]]:
    """What is the same in every language: code, and figures outside of it."""
    return sorted(code_spans(cell)), _figures(cell)


def _figures(text: str) -> list[str]:
    return re.findall(r"\d[\d.,]*\d|\d", re.sub(r"`[^`]*`|\]\([^)]*\)", "", text))


@pages
def test_the_blocks_of_code_are_the_same(path: Path) -> None:
    """To the letter; pictures made of text have as many lines."""
    ours, theirs = both(path)
    assert [_constant(block) for block in theirs.blocks] == [_constant(block) for block in ours.blocks]


def _constant(block: Block) -> tuple[str, str | int]:
    return block.language, len(block.text.splitlines()) if block.language in DRAWN else block.text


@pages
def test_each_section_names_the_same_things_and_figures(path: Path) -> None:
    """Settings, commands, fields and statuses: whatever stands between backticks, or is a number."""
    ours, theirs = both(path)
    for our, their in zip(ours.sections(2), theirs.sections(2), strict=True):
        shown = {*code_spans(their.prose)}, {*_figures(their.prose)}
        assert shown == ({*code_spans(our.prose)}, {*_figures(our.prose)}), our.headings[0].text


@pages
def test_the_links_lead_to_as_many_places(path: Path) -> None:
    """A page to read on, a file, a picture."""
    ours, theirs = both(path)
    assert len(theirs.links) == len(ours.links)
