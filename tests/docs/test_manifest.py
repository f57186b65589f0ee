"""docs/manifest.md and the front page's manifests: every sample is one that the program takes."""

from pathlib import Path
from typing import get_args

import pytest

from cli.manifests.documents import PARTS
from cli.manifests.formats import ENDINGS, Format
from cli.manifests.manifest import load
from cli.manifests.table import ALIASES
from handler.messages import ModuleRequest
from tests.docs.markdown import code_spans
from tests.docs.pages import README, page

PAGE = page("manifest")
REQUESTS = {
    ("manifest", "yaml"): 5,
    ("manifest", "json"): 2,
    ("manifest", "csv"): 2,
    ("README", "yaml"): 5,
    ("README", "csv"): 2,
}
SAMPLES = {
    (shown.path.stem, block.language): block
    for shown in (PAGE, README)
    for block in shown.blocks
    if block.language in ("yaml", "csv") or (block.language == "json" and shown is PAGE)
}


@pytest.mark.parametrize("name", REQUESTS, ids="-".join)
def test_a_sample_means_as_many_requests_as_it_should(name: tuple[str, str], tmp_path: Path) -> None:
    """Without a fault."""
    file = tmp_path / f"sample.{name[1]}"
    file.write_text(SAMPLES[name].text, encoding="utf-8")
    manifest = load([str(file)])
    assert manifest.faults == ()
    assert len(manifest.entries) == REQUESTS[name]


def test_every_sample_is_counted() -> None:
    """A new one needs its number of requests here."""
    assert set(SAMPLES) == set(REQUESTS)


def test_every_part_of_a_grid_is_in_the_table() -> None:
    """In the order of the program."""
    assert _table("part") == list(PARTS)


def test_every_format_is_in_the_table_with_its_endings() -> None:
    """What `--format` takes."""
    table = next(table for table in PAGE.tables if table.heading[0] == "format")
    shown = {ending.lstrip("."): row[0].strip("`") for row in table.rows for ending in code_spans(row[1])}
    assert shown == dict(ENDINGS)
    assert {row[0].strip("`") for row in table.rows} == set(get_args(Format))


def test_every_column_is_in_the_table() -> None:
    """All fields of a request but those that the function sets."""
    senders = {name for name, field in ModuleRequest.model_fields.items() if field.description is None}
    assert set(_table("column")) == senders


def test_every_other_name_of_a_column_is_in_the_table() -> None:
    """The headings that people have: compared without case."""
    table = next(table for table in PAGE.tables if table.heading[0] == "column")
    shown = {name: {alias.lower() for alias in code_spans(row[2])} for row in table.rows for name in code_spans(row[0])}
    assert {name: aliases for name, aliases in shown.items() if aliases} == {
        name: set(aliases) for name, aliases in ALIASES.items()
    }


def _table(heading: str) -> list[str]:
    return next(table for table in PAGE.tables if table.heading[0] == heading).names()
