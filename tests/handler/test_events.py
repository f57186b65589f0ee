"""The samples: none stands alone, all are listed, and each is read as its outcomes say; tests/e2e/test_run.py sends them."""

from pathlib import Path

import pytest

from handler.envelopes import Place
from handler.messages import Invalid, read_body
from handler.triggers import deliveries
from tests.support.samples import BESIDE, EVENTS, FOLDERS, SAMPLES, beside, named, samples


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


MESSAGE = Place("{message}", is_named=True, source="smq")
EVENTS_AND_BODIES = [path for path in SAMPLES if path.parent.name != "http" and "http-" not in path.name]


@pytest.mark.parametrize("sample", EVENTS_AND_BODIES, ids=named)
def test_a_sample_holds_the_requests_that_its_outcomes_name(sample: Path) -> None:
    """Those that break a rule, in the fields of their Errors, are expected as rejected; no other outcome has Errors."""
    content, outcomes = sample.read_bytes(), {outcome["Id"]: outcome for outcome in beside(sample, "outcomes")}
    is_event = sample.parent.name == "triggers"
    contents = [delivery.open() for delivery in deliveries(content)] if is_event else [read_body(content, MESSAGE)]
    requests = [request for each in contents for request in each.requests()]
    assert sorted(str(request.Id) for request in requests) == sorted(outcomes)
    for request in requests:
        outcome = outcomes[str(request.Id)]
        fields = {problem.Field for problem in request.problems} if isinstance(request, Invalid) else set[str]()
        assert {error["Field"] for error in outcome.get("Errors") or ()} <= fields
        assert outcome["Status"] == "rejected" or not fields
