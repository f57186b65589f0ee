"""What `--json` prints: each line is a record of events/cli.schema.json."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.live import Live
from tests.support.json_schemas import faults
from tests.support.paths import ROOT

SCHEMA = json.loads((ROOT / "events/cli.schema.json").read_text(encoding="utf-8"))
DEAD = json.dumps({"Reason": "quota", "Detail": "d", "Request": {"ProductKey": "a1Demo00001", "ModuleName": "mcu"}})


def lines(ended: Any) -> list[Any]:
    """The records that a command printed, each of which keeps the schema."""
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert [problem for record in found for problem in faults(record, SCHEMA)] == []
    return found


def test_every_command_prints_records(ota_modules: Any, live: Live, tmp_path: Path) -> None:
    """On a local cloud with a request to be made, one that fails, and a dead letter."""
    manifest = tmp_path / "fleet.yml"
    manifest.write_text("- {ProductKey: a1Demo00001, ModuleName: x1}\n- {ProductKey: a1None, ModuleName: x1}\n")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('[{"ProductKey": "a1", "ModuleName": "default"}]')
    live.cloud.call(lambda cloud: cloud.smq.send("ota-module-dead-letters", DEAD))

    def run(*arguments: str) -> list[Any]:
        return lines(ota_modules(*arguments, "--json"))

    assert [step["Action"] for step in run("plan", str(manifest), "--qps", "9")[:2]] == ["create", "unknown"]
    assert run("send", "--wait", str(manifest))[0]["Statuses"] == {"created": 1, "rejected": 1}
    assert run("apply", str(manifest), "--qps", "9")
    assert [record.get("Field") for record in run("validate", str(wrong))] == ["ModuleName", None]
    assert run("outcomes", "--since", "1h", "--count", "2")[1]["data"]["Status"]
    assert 2 in [each["Answered"] for each in run("status")[0]["Runs"]]
    assert run("dead-letters", "list")[0]["Reason"] == "quota"
    assert run("dead-letters", "discard", "--all", "--yes")[0]["Reason"] == "quota"
    assert run("faults", "set", "service=iot", "kind=delay", "seconds=0")[0]["id"]
    assert run("faults", "list")[0]["id"]
    assert run("pause")[0]["State"] == "paused"
    assert run("resume")[0]["State"] == "running"
    assert run("cancel", str(manifest), "--patience", "0")[0]["Run"]
    assert run("doctor")
    assert run("invoke", "triggers/bare-request.json")[0]["RequestId"]
    assert run("clean", "--older", "0", "--yes") == []
    assert run("init", str(tmp_path / "new.yml"))[0]["Wrote"]


@pytest.mark.parametrize(
    "command",
    [("plan",), ("sned",), ("dead-letters", "list", "--reason", "bogus"), ("export", "--local"),
     ("plan", "no-such.yml"), ("--what",)],
    ids=" ".join,
)  # fmt: skip
def test_every_error_is_a_record(ota_modules: Any, command: tuple[str, ...]) -> None:
    """Of the command line itself, too; standard error has it in words."""
    ended = ota_modules(*command, "--json", OTA_IOT_ENDPOINT="http://127.0.0.1:1")
    assert lines(ended)[-1]["ExitStatus"] == ended.status
    assert ended.err


def test_a_report_has_a_row_for_each_request(
    cloud: Any, ota_modules: Any, tmp_path: Path, outcome_maker: Callable[..., None]
) -> None:
    """A spreadsheet takes nothing in it for a formula; verbose shows each outcome as it comes."""
    outcome_maker(
        lambda request: (
            {"Status": "rejected", "Code": "=1+1"} if "b" in request["ModuleName"] else {"Status": "created"}
        )
    )
    manifest, report = tmp_path / "fleet.csv", tmp_path / "out.csv"
    manifest.write_text("ProductKey,ModuleName,AliasName\na1Demo00001,a,主控\na1Demo00001,b,\n", encoding="utf-8")
    assert ota_modules("send", str(manifest), "--report", str(report)).status == 2
    ended = ota_modules("send", "--wait", "-v", str(manifest), "--report", str(report))
    assert ended.status == 3, ended.err
    assert "created   a1Demo00001/a" in ended.err
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["AliasName"], row["Status"], row["Why"]) for row in rows] == [
        ("主控", "created", ""),
        ("", "rejected", "'=1+1"),
    ]
