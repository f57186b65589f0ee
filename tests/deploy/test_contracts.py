"""The contracts of events/: fresh, accepted by the tools that read them, and kept by every sample."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
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
from tests.support.json_schemas import faults, part_of
from tests.support.paths import ROOT
from tests.support.samples import EVENTS, SAMPLES, beside, named, samples

PARSER = ROOT / "node_modules/@asyncapi/parser"
PARSE = """
const { Parser, fromFile } = require("@asyncapi/parser");
fromFile(new Parser(), process.argv[1]).parse().then(({ diagnostics }) => console.log(JSON.stringify(diagnostics)));
"""
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
NOT_THE_LATEST = "asyncapi-latest-version"
"""3.0, by choice: more tools read it."""
FULL = ModuleRequest(
    ProductKey="a1", ModuleName="mcu", AliasName="微控", Desc="d", IotInstanceId="iot-1", Id="own-1",
    CorrelationId="c-1", traceparent=TRACE, Attempt=2,
)  # fmt: skip


@cache
def contract(name: str) -> Mapping[str, Any]:
    """One of the files, as a document."""
    text = (EVENTS / name).read_text(encoding="utf-8")
    document: Mapping[str, Any] = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    return document


def event(outcome: Outcome) -> object:
    return json.loads(outcome.event("/ota-modules/cn-shanghai/ota-modules-queue", 1_700_000_000))


def outcome(status: Status) -> Outcome:
    drift = {"AliasName": Difference(Wanted="微控", Found="old")}
    return Outcome.of(FULL, status, RequestId="r-1", Code="c", ErrorMessage="e", Drift=drift)


# The files themselves


def test_the_contracts_are_fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`make contracts` writes what is there, and says where."""
    main(["--output", str(tmp_path)])
    paths = [Path(path).relative_to(tmp_path) for path in capsys.readouterr().out.split()]
    assert set(paths) == {path.relative_to(tmp_path) for path in tmp_path.rglob("*.*")}
    stale = [str(path) for path in paths if (tmp_path / path).read_bytes() != (ROOT / path).read_bytes()]
    assert stale == [], "run make contracts"


@pytest.mark.parametrize("name", ["request.schema.json", "outcome.schema.json", "log.schema.json", "cli.schema.json"])
def test_a_schema_is_one(name: str) -> None:
    """Of the dialect that it names."""
    jsonschema.Draft202012Validator.check_schema(contract(name))
    assert contract(name)["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]


def test_the_official_parser_accepts_the_asyncapi_document() -> None:
    node = shutil.which("node")
    if node is None or not PARSER.is_dir():
        pytest.skip("@asyncapi/parser is not installed: npm ci, where there is node")
    command = [node, "-e", PARSE, str(EVENTS / "asyncapi.yml")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    assert [each["message"] for each in json.loads(run.stdout) if each["code"] != NOT_THE_LATEST] == []


@pytest.mark.parametrize("name", ["request", "requests", "outcome", "deadLetter"])
def test_the_examples_keep_the_schema_of_their_message(name: str) -> None:
    document = contract("asyncapi.yml")
    message = document["components"]["messages"][name]
    schema = {**message["payload"], "components": document["components"]}
    assert [faults(example["payload"], schema) for example in message["examples"]] == [[]] * len(message["examples"])


# What the function sends


@pytest.mark.parametrize("status", get_args(Status))
def test_an_outcome_keeps_its_schema(status: Status) -> None:
    """With every attribute and every field that it can have."""
    assert faults(event(outcome(status)), contract("outcome.schema.json")) == []


def test_the_schema_of_outcomes_describes_all_that_they_hold() -> None:
    definitions = contract("outcome.schema.json")["$defs"]
    made: Any = event(outcome("existing"))
    assert definitions["Outcome"]["properties"].keys() == made.keys()
    assert definitions["OutcomeData"]["properties"].keys() == made["data"].keys() | {"Errors"}


@pytest.mark.parametrize("body", ["{", "5", {}, {"ProductKey": "a1", "ModuleName": "default"}])
def test_a_rejection_keeps_the_schema(body: object) -> None:
    [invalid] = read(body, "m1")
    assert isinstance(invalid, Invalid)
    assert faults(event(Outcome.invalid(invalid)), contract("outcome.schema.json")) == []


def test_the_schema_refuses_what_is_no_outcome() -> None:
    made: Any = event(outcome("created"))
    changes = {"type": "ota.module.lost", "id": "", "specversion": "0.3", "causationid": None, "data": {"Status": "ok"}}
    taken = [item for item in changes.items() if not faults(made | dict([item]), contract("outcome.schema.json"))]
    assert taken == []


@pytest.mark.parametrize("reason", get_args(Reason))
def test_a_dead_letter_keeps_its_schema(reason: Reason) -> None:
    letter = dead_letter(FULL, Unfinished(FULL, reason, "detail"), json.dumps(event(outcome("failed"))))
    components = contract("asyncapi.yml")["components"]
    assert faults(json.loads(letter), {**components["schemas"]["DeadLetter"], "components": components}) == []


def test_a_request_that_is_put_back_keeps_its_schema() -> None:
    """The function reads its own messages again."""
    again = FULL.again(1000.0, Known(900, Theirs=True, Updated=True), counts=True)
    assert faults(json.loads(again), contract("request.schema.json")) == []


# Every file of events/


def bodies(sample: Path) -> list[object]:
    """The message bodies that a sample carries."""
    raw = sample.read_bytes()
    if sample.parent.name in ("requests", "wrapped"):
        return [raw]
    if sample.parent.name == "http":
        value = json.loads(raw)
        return [value["body"]] if "body" in value else []
    request = web.from_event(raw)
    return [request.body] if request else [delivery.body for delivery in deliveries(raw)]


def kept(body: object) -> bool:
    """Whether what is in a body's envelopes is JSON that can be passed on, and keeps the schema of requests."""
    return all(
        part.ignored or (isinstance(part.value, dict) and passed_on(part.value))
        for part in open_body(body, Place("m1", True))
    )


def passed_on(value: object) -> bool:
    """Half of a surrogate pair cannot be."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return find_flaw(value) is None and faults(value, contract("request.schema.json")) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_a_sample_keeps_the_schema_if_its_outcomes_say_so(sample: Path) -> None:
    """An outcome with Errors belongs to a request that breaks a rule; without any, every body keeps all of them."""
    refused = sample.parent.name == "http" and beside(sample, "answer")["status"] in (400, 415, 422)
    wrong = refused or any(each.get("Errors") for each in beside(sample, "outcomes"))
    assert all(map(kept, bodies(sample))) is not wrong


@pytest.mark.parametrize("sample", samples("malformed"), ids=named)
def test_a_malformed_body_breaks_the_schema(sample: Path) -> None:
    assert not kept(sample.read_bytes())


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_what_is_expected_of_a_sample_is_what_outcomes_say(sample: Path) -> None:
    """An Id, a Status, and parts of an outcome's data, each of the right kind, and no field that there is not."""
    schema = contract("outcome.schema.json")
    data = {**schema["$defs"]["OutcomeData"], "$defs": schema["$defs"]}
    for expected in beside(sample, "outcomes"):
        assert expected.pop("Id")
        assert expected["Status"]
        assert faults(expected, part_of(data)) == []


@pytest.mark.parametrize("sample", samples("http"), ids=named)
def test_an_expected_answer_is_one_that_the_document_describes(sample: Path) -> None:
    """Its status, and its body as far as it is told; other paths and methods have no description."""
    request, answer = json.loads(sample.read_bytes()), beside(sample, "answer")
    document = contract("openapi.json")
    operation = document["paths"].get(request["path"], {}).get(request["method"].lower())
    if operation is None:
        assert answer["status"] in (404, 405)
        return
    [media] = operation["responses"][str(answer["status"])].get("content", {"": {"schema": {}}}).values()
    schema = part_of({**media["schema"], "components": document["components"]})
    assert faults(answer.get("body", {}), schema) == []
