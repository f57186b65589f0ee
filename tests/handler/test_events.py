"""The samples: none stands alone, and all are listed. What becomes of each, `make run` compares: tests/e2e/test_run.py."""

import pytest

from tests.support.samples import BESIDE, EVENTS, FOLDERS, SAMPLES, samples


def test_nothing_lies_beside_a_sample_that_is_gone() -> None:
    expected = {sample.stem + suffix for sample in SAMPLES for suffix in BESIDE}
    beside = {path.name for folder in FOLDERS for path in (EVENTS / folder).iterdir() if path.name.endswith(BESIDE)}
    assert beside <= expected


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_lists_every_sample(folder: str) -> None:
    readme = (EVENTS / "README.md").read_text(encoding="utf-8")
    heading = {"requests": "Requests", "wrapped": "Wrapped requests", "http": "HTTP", "triggers": "Triggers"}[folder]
    table = readme.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    listed = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(listed) == [sample.name for sample in samples(folder)]
