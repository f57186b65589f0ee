"""docs/manifest.md and the front page's manifests: every sample is one that the program takes."""

from pathlib import Path

import pytest

from cli.manifests.manifest import load
from tests.docs.pages import README, page

REQUESTS = {"manifest.yaml": 5, "manifest.json": 2, "manifest.csv": 2, "README.yaml": 5, "README.csv": 2}
"""How many each sample means. A new one needs its number here."""
SAMPLES = {
    f"{shown.path.stem}.{block.language}": block.text
    for shown in (page("manifest"), README)
    for block in shown.blocks
    if block.language in ("yaml", "csv") or (block.language == "json" and shown is not README)
}


@pytest.mark.parametrize("name", sorted({*REQUESTS, *SAMPLES}))
def test_a_sample_means_as_many_requests_as_it_should(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(SAMPLES[name], encoding="utf-8")
    manifest = load([str(tmp_path / name)])
    assert manifest.faults == ()
    assert len(manifest.entries) == REQUESTS[name]
