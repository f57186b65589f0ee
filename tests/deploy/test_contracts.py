"""The contracts of events/: fresh, accepted by the tools that read them, and kept by every sample."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from deploy.contracts import main
from handler import web
from handler.envelopes import Place, open_body
from handler.messages import Invalid, Known, ModuleRequest, read
from handler.outcomes import Difference, Outcome, Reason, Status, Unfinished, dead_letter
from handler.texts import find_flaw
from handler.triggers import deliveries
from tests.support.json_schemas import faults
from tests.support.paths import ROOT
from tests.support.samples import EVENTS, SAMPLES, beside, named, samples

PARSER = ROOT / "node_modules/@asyncapi/parser"
PARSE = """
const { Parser, fromFile } = require("@asyncapi/parser");
fromFile(new Parser(), process.argv[1]).parse().then(({ diagnostics }) => console.log(JSON.stringify(diagnostics)));
"""
NOT_THE_LATEST = "asyncapi-latest-version"
"""3.0, by choice: more tools read it."""
FULL = ModuleRequest(
    ProductKey="a1", ModuleName="mcu", AliasName="微控", Desc="d", IotInstanceId="iot-1", Id="own-1",
    CorrelationId="c-1", traceparent=f"00-{'a' * 32}-{'b' * 16}-01", Attempt=2,
)  # fmt: skip
Schema = Mapping[str, Any]
SCHEMAS: dict[str, Schema] = {
    name: json.loads((EVENTS / f"{name}.schema.json").read_text(encoding="utf-8"))
    for name in ("request", "outcome", "log", "cli")
}
COMPONENTS = yaml.safe_load((EVENTS / "asyncapi.yml").read_text(encoding="utf-8"))["components"]


def event(outcome: Outcome) -> Any:
    return json.loads(outcome.event("/ota-modules/cn-shanghai/ota-modules-queue", 1_700_000_000))


def outcome(status: Status) -> Outcome:
    """Make an outcome with every attribute and every field that it can have."""
    drift = {"AliasName": Difference(Wanted="微控", Found="old")}
    return Outcome.of(FULL, status, RequestId="r-1", Code="c", ErrorMessage="e", Drift=drift)


def test_the_contracts_are_fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`make contracts` writes what is there, and says where."""
    main(["--output", str(tmp_path)])
    paths = [Path(path).relative_to(tmp_path) for path in capsys.readouterr().out.split()]
    assert set(paths) == {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    stale = [str(path) for path in paths if (tmp_path / path).read_bytes() != (ROOT / path).read_bytes()]
    assert stale == [], "run make contracts"


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_is_one_of_the_dialect_that_it_names(schema: Schema) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]


def test_the_official_parser_accepts_the_asyncapi_document() -> None:
    node = shutil.which("node")
    if node is None or not PARSER.is_dir():
        pytest.skip("@asyncapi/parser is not installed: npm ci, where there is node")
    command = [node, "-e", PARSE, str(EVENTS / "asyncapi.yml")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    assert [each["message"] for each in json.loads(run.stdout) if each["code"] != NOT_THE_LATEST] == []


def values_with_schemas() -> Iterator[tuple[str, object, Schema]]:
    """Yield all that the function sends, and the document's examples, with the schema that each must keep."""
    for status in get_args(Status):
        yield f"an outcome: {status}", event(outcome(status)), SCHEMAS["outcome"]
    for body in ("{", "5", {}, {"ProductKey": "a1", "ModuleName": "default"}):
        invalid = next(each for each in read(body, "m1") if isinstance(each, Invalid))
        yield f"a rejection: {body}", event(Outcome.invalid(invalid)), SCHEMAS["outcome"]
    for reason in get_args(Reason):
        letter = dead_letter(FULL, Unfinished(FULL, reason, "detail"), json.dumps(event(outcome("failed"))))
        schema = {**COMPONENTS["schemas"]["DeadLetter"], "components": COMPONENTS}
        yield f"a dead letter: {reason}", json.loads(letter), schema
    again = FULL.write_again(1000.0, Known(900, Theirs=True, Updated=True), counts=True)
    yield "a request that is put back, which the function reads again", json.loads(again), SCHEMAS["request"]
    for name in ("request", "requests", "outcome", "deadLetter"):
        message = COMPONENTS["messages"][name]
        for example in message["examples"]:
            yield f"an example: {name}", example["payload"], {**message["payload"], "components": COMPONENTS}


@pytest.mark.parametrize(
    ("value", "schema"), [pytest.param(value, schema, id=name) for name, value, schema in values_with_schemas()]
)
def test_what_is_sent_keeps_its_schema(value: object, schema: Schema) -> None:
    assert faults(value, schema) == []


def test_the_schema_of_outcomes_describes_all_that_they_hold_and_nothing_else() -> None:
    definitions, made = SCHEMAS["outcome"]["$defs"], event(outcome("existing"))
    assert definitions["Outcome"]["properties"].keys() == made.keys()
    assert definitions["OutcomeData"]["properties"].keys() == made["data"].keys() | {"Errors"}
    changes = {"type": "ota.module.lost", "id": "", "specversion": "0.3", "causationid": None, "data": {"Status": "ok"}}
    assert [item for item in changes.items() if not faults(made | dict([item]), SCHEMAS["outcome"])] == []


def bodies(sample: Path) -> list[object]:
    """Return the message bodies that a sample carries."""
    raw = sample.read_bytes()
    if sample.parent.name in ("requests", "wrapped"):
        return [raw]
    if sample.parent.name == "http":
        value = json.loads(raw)
        return [value["body"]] if "body" in value else []
    request = web.from_event(raw)
    return [request.body] if request else [delivery.body for delivery in deliveries(raw)]


def keeps_schema(body: object) -> bool:
    """Tell whether what is in a body's envelopes is JSON that can be passed on, and keeps the schema of requests."""
    values = [part.value for part in open_body(body, Place("m1", True)) if not part.ignored]
    return all(
        isinstance(value, dict) and can_be_sent(value) and not faults(value, SCHEMAS["request"]) for value in values
    )


def can_be_sent(value: object) -> bool:
    """Half of a surrogate pair cannot, nor what is not JSON."""
    return find_flaw(value) is None and not re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False))


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_a_sample_keeps_the_schema_if_its_outcomes_say_so(sample: Path) -> None:
    """An outcome with Errors belongs to a request that breaks a rule; without any, every body keeps all of them."""
    refused = sample.parent.name == "http" and beside(sample, "answer")["status"] in (400, 415, 422)
    expected = beside(sample, "outcomes")
    assert all(map(keeps_schema, bodies(sample))) is not (refused or any(each.get("Errors") for each in expected))
    fields = SCHEMAS["outcome"]["$defs"]["OutcomeData"]["properties"]
    assert {name for each in expected for name in each} <= {"Id", *fields}, "it would be absent under any name"


@pytest.mark.parametrize("sample", samples("malformed"), ids=named)
def test_a_malformed_body_breaks_the_schema(sample: Path) -> None:
    assert not keeps_schema(sample.read_bytes())
