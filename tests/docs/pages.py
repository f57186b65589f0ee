"""The pages of the documentation, in both languages, and their parts: headings, tables, code blocks, links."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.paths import ROOT

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
Row = Sequence[str]


class Heading(NamedTuple):
    """A heading, and its level: the number of its hashes."""

    level: int
    text: str


class Block(NamedTuple):
    """A fenced block of code, and what language it says that it is in."""

    language: str
    text: str


class Table(NamedTuple):
    """A table, cell by cell."""

    heading: Row
    rows: Sequence[Row]

    def cells(self, column: int = 0) -> list[str]:
        """List the texts of a column, without the backticks around them."""
        return [row[column].strip("`") for row in self.rows]

    def names(self, column: int = 0) -> list[str]:
        """List all code spans in a column: what the rows are about."""
        return [name for row in self.rows for name in code_spans(row[column])]


@dataclass(frozen=True)
class Page:
    """A file of Markdown, or the part of it below one heading."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> "Page":
        return cls(path, path.read_text(encoding="utf-8"))

    @cached_property
    def prose(self) -> str:
        """The text without its blocks of code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def headings(self) -> list[Heading]:
        return [Heading(len(hashes), text) for hashes, text in re.findall(r"(?m)^(#+) +(.+?) *$", self.prose)]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives its headings."""
        return {re.sub(r"[^\w\- ]", "", heading.text.lower()).replace(" ", "-") for heading in self.headings}

    @cached_property
    def blocks(self) -> list[Block]:
        return [Block(language, text) for language, text in _FENCE.findall(self.text)]

    def code(self, *languages: str) -> list[str]:
        """List the texts of the blocks in these languages."""
        return [block.text for block in self.blocks if block.language in languages]

    @cached_property
    def tables(self) -> list[Table]:
        texts = re.findall(r"(?m)(?:^\|.*\n?)+", self.prose)
        tables = [[_split_row(line) for line in text.splitlines()] for text in texts]
        return [Table(heading, rows) for heading, _, *rows in tables]

    def table(self, column: str) -> Table:
        """Return the first table that has a column of this name."""
        return next(table for table in self.tables if column in table.heading)

    @cached_property
    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return [*re.findall(r"\]\(([^)\s]+)\)", self.prose), *re.findall(r'(?:src|srcset)="([^"]+)"', self.prose)]

    @cached_property
    def commands(self) -> list[str]:
        """What stands behind a prompt, joined where a line goes on."""
        return re.findall(r"(?m)^\$ (.*)$", "\n".join(self.code("console")).replace("\\\n", " "))

    def sections(self, level: int) -> list["Page"]:
        """Split the page into the parts below each heading of a level, up to the next one of that level or a higher one."""
        # Code is blanked out, so that every other character stays where it is.
        prose = _FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), self.text)
        places = [match.start() for match in re.finditer(rf"(?m)^#{{1,{level}}} .+$", prose)]
        parts = [self.text[start:end] for start, end in zip(places, [*places[1:], None], strict=True)]
        return [Page(self.path, part) for part in parts if part.startswith("#" * level + " ")]


def code_spans(text: str) -> list[str]:
    """List what stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def _split_row(line: str) -> Row:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


README = Page.read(ROOT / "README.md")
DOCS = ROOT / "docs"
ENGLISH = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
TRANSLATED = [ROOT / "README.zh-CN.md", *(DOCS / "zh-CN" / path.name for path in ENGLISH[1:])]
OTHERS = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "BENCHMARKS.md", "events/README.md")]
EVERY = {*ENGLISH, *ROOT.glob("README.*.md"), *(DOCS / "zh-CN").glob("*.md"), *OTHERS}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TEMPLATE: Any = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))


def page(name: str) -> Page:
    """Read an English page of docs/."""
    return Page.read(DOCS / f"{name}.md")


def name_of(path: Path) -> str:
    """Shorten a path for the name of a test."""
    return path.relative_to(ROOT).as_posix()
