"""The Chinese pages say what the English ones say: whoever changes headings, tables, code or names of one changes the other."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import ENGLISH, TRANSLATED, Block, Page, code_spans, name_of

DRAWN = ("", "mermaid")
"""Languages of blocks that hold words for people: those are translated, and have as many lines."""


def figures(text: str) -> list[str]:
    return re.findall(r"\d[\d.,]*\d|\d", re.sub(r"`[^`]*`|\]\([^)]*\)", "", text))


def constant(block: Block) -> tuple[str, str | int]:
    return block.language, len(block.text.splitlines()) if block.language in DRAWN else block.text


SAME: dict[str, Callable[[Page], object]] = {
    "headings in number and level": lambda page: [heading.level for heading in page.headings],
    "rows, code and figures in each cell": lambda page: [
        [[(sorted(code_spans(cell)), figures(cell)) for cell in row] for row in table.rows] for table in page.tables
    ],
    "blocks of code, to the letter": lambda page: [constant(block) for block in page.blocks],
    "names and figures in each section": lambda page: [
        ({*code_spans(part.prose)}, {*figures(part.prose)}) for part in page.sections(2)
    ],
    "number of links": lambda page: len(page.links),
}


@pytest.mark.parametrize("part", SAME)
@pytest.mark.parametrize(("path", "translated"), list(zip(ENGLISH, TRANSLATED, strict=True)), ids=name_of)
def test_a_translation_has_the_same(path: Path, translated: Path, part: str) -> None:
    assert SAME[part](Page.read(translated)) == SAME[part](Page.read(path))
