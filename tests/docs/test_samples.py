"""Samples of the pages: each manifest, request, outcome and program is one that the tools take."""

import json
from pathlib import Path

import jsonschema
import pytest

from cli.manifests.manifest import load
from handler.messages import ModuleRequest, read
from handler.outcomes import Outcome
from tests.docs.pages import README, page
from tests.support.paths import ROOT

REQUEST, _, OUTCOME, READING = page("contract").sections(2)[:4]
REQUESTS = {"manifest.yaml": 5, "manifest.json": 2, "manifest.csv": 2, "README.yaml": 5, "README.csv": 2}
"""How many requests each manifest means. A new one needs its number here."""
MANIFESTS = {
    f"{shown.path.stem}.{block.language}": block.text
    for shown in (page("manifest"), README)
    for block in shown.blocks
    if block.language in ("yaml", "csv") or (block.language == "json" and shown is not README)
}


@pytest.mark.parametrize("name", sorted({*REQUESTS, *MANIFESTS}))
def test_a_manifest_means_as_many_requests_as_it_should(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(MANIFESTS[name], encoding="utf-8")
    manifest = load([str(tmp_path / name)])
    assert (manifest.faults, len(manifest.entries)) == ((), REQUESTS[name])


def test_the_sample_outcome_is_what_the_function_publishes_for_the_sample_request() -> None:
    """Its id, too: whoever derives ids can compare. Both keep the published schemas."""
    asked, shown = (json.loads(section.code("json")[0]) for section in (REQUEST, OUTCOME))
    [request] = read([asked], "message-1")
    assert isinstance(request, ModuleRequest)
    outcome = Outcome.of(request, "created", RequestId=shown["data"]["RequestId"])
    assert {**json.loads(outcome.event(shown["source"], 0.0)), "time": shown["time"]} == shown
    for value, name in ((asked, "request"), (shown, "outcome")):
        jsonschema.validate(value, json.loads((ROOT / f"events/{name}.schema.json").read_text(encoding="utf-8")))


def test_the_consumer_is_the_very_file() -> None:
    assert READING.code("python") == [(ROOT / "examples/consumer.py").read_text(encoding="utf-8")]
