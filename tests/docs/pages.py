"""The pages of the documentation, in both languages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.docs.markdown import Page
from tests.support.paths import ROOT

README = Page.read(ROOT / "README.md")
DOCS = ROOT / "docs"
CHINESE = DOCS / "zh-CN"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TEMPLATE: Any = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))


def page(name: str) -> Page:
    """An English page of docs/."""
    return Page.read(DOCS / f"{name}.md")


def english() -> Sequence[Path]:
    """README and docs/, as far as they are written by hand."""
    return [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def every() -> Sequence[Path]:
    """Every page that somebody may read, both languages."""
    translated = [*ROOT.glob("README.*.md"), *sorted(CHINESE.glob("*.md"))]
    others = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "BENCHMARKS.md", "events/README.md")]
    return [*english(), *translated, *others]


def translation(path: Path) -> Path:
    """Where the Chinese text of an English page is."""
    return ROOT / "README.zh-CN.md" if path.parent == ROOT else CHINESE / path.name


def name_of(path: Path) -> str:
    """A path, short enough for the name of a test."""
    return path.relative_to(ROOT).as_posix()
